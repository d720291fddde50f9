import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { answer, faultServer } from '../support/fault-server.js';
import {
  cleanEnvironment,
  commit,
  git,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  versionsOf,
  writeRecipe,
} from './fixture.js';

/** A recipe, for a user with these settings of git. */
function scene(settings: string, script = MAKE_ONE) {
  const directory = testDirectory();
  writeFileSync(join(directory, '.gitconfig'), settings);
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = scriptRecipe(remote, join(directory, 'counter'), script);
  const installDir = join(directory, 'opt', 'script');
  const setup = (source: object, ...more: string[]) => {
    const path = writeRecipe(directory, { ...recipe, source });
    return holdfast(['setup', path, '--dir', installDir, ...more], cleanEnvironment(directory));
  };
  return { directory, remote, installDir, setup };
}

describe("the user's own settings of git", () => {
  test('clone.defaultRemoteName: a pinned commit, a tag and an update come all the same', async () => {
    const { remote, setup, installDir } = scene('[clone]\n\tdefaultRemoteName = upstream\n');
    const first = git(remote, 'rev-parse', 'HEAD');
    git(remote, 'tag', 'v1');
    commit(remote, { 'seed.txt': 'two\n' });
    const source = { git: `file://${remote}` };
    for (const ref of [first, 'v1', 'main'])
      expect(await setup({ ...source, ref }, '--repair=always')).toMatchObject({ code: 0 });
    commit(remote, { 'seed.txt': 'three\n' });
    expect((await setup({ ...source, ref: 'main' }, '--update')).stderr).toContain('updated');
    expect(versionsOf(installDir).length).toBeGreaterThan(1);
  });

  test('core.askPass: no window is opened by us, nor by a step that runs git', async () => {
    const server = await faultServer((_, response) =>
      answer(response, 401, { 'www-authenticate': 'Basic realm="x"' }),
    );
    const url = `${server.url}x.git`;
    const here = scene('', `git ls-remote ${url}; ${MAKE_ONE}`);
    const asked = join(here.directory, 'asked');
    const program = join(here.directory, 'ask');
    writeFileSync(program, `#!/bin/sh\ntouch '${asked}'\n`, { mode: 0o755 });
    writeFileSync(join(here.directory, '.gitconfig'), `[core]\n\taskPass = ${program}\n`);
    const refused = await here.setup({ git: url });
    expect(refused).toMatchObject({ code: 20, stdout: '' });
    expect(refused.stderr).not.toContain('attempt 1 of');
    expect(await here.setup({ git: `file://${here.remote}` })).toMatchObject({ code: 0 });
    expect(existsSync(asked)).toBe(false);
  });
});

test('a pointer of git-lfs is no artifact', async () => {
  const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 4\n';
  const { remote, setup, installDir } = scene('');
  commit(remote, { 'seed.txt': pointer });
  const result = await setup({ git: `file://${remote}` });
  expect(result).toMatchObject({ code: 70, stdout: '' });
  expect(result.stderr).toMatch(/is a pointer of git-lfs, not the file itself\. Install git-lfs/);
  expect(versionsOf(installDir)).toEqual([]);
});
