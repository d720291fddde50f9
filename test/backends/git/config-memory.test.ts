import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { readConfig } from '../../../src/backends/git/config-memory.js';
import { lastValue } from '../../../src/backends/git/configuration.js';
import { findRepository } from '../../../src/backends/git/repository.js';
import { systemClock } from '../../../src/platform/clock.js';
import { testDirectory } from '../../support/directory.js';
import { git, GIT_ENV } from '../../support/git-remotes.js';

interface Clone {
  readonly path: string;
  readonly home: string;
  /** The value of a key, and whether git was asked. */
  read(key: string, atMs?: number): Promise<[string | undefined, 'asked' | 'remembered']>;
}

async function clone(): Promise<Clone> {
  const directory = testDirectory();
  const [path, home, trace] = ['clone', 'home', 'trace'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  await git(directory, 'init', '--quiet', path);
  await git(path, 'remote', 'add', 'origin', '/srv/one.git');
  mkdirSync(join(path, '.git/holdfast/claims.git/holdfast'), { recursive: true });
  mkdirSync(home);
  const env: NodeJS.ProcessEnv = {
    ...GIT_ENV,
    HOME: home,
    XDG_CONFIG_HOME: join(home, 'xdg'),
    GIT_TRACE2_EVENT: trace,
  };
  delete env['GIT_CONFIG_GLOBAL'];
  return {
    path,
    home,
    async read(key, atMs = Date.now() + 3_000) {
      rmSync(trace, { force: true });
      const entries = await readConfig({
        cwd: path,
        env,
        repository: findRepository(path),
        clock: { ...systemClock, wallNow: () => atMs },
      });
      const isAsked = statSync(trace, { throwIfNoEntry: false }) !== undefined;
      return [lastValue(entries, key), isAsked ? 'asked' : 'remembered'];
    },
  };
}

describe('what git config said is remembered', () => {
  test('while its files are the same, in a file that nobody else can read', async () => {
    const { path, read } = await clone();
    expect(await read('remote.origin.url')).toEqual(['/srv/one.git', 'asked']);
    expect(await read('remote.origin.url')).toEqual(['/srv/one.git', 'remembered']);
    expect(statSync(join(path, '.git/holdfast/claims.git/holdfast/config.json')).mode & 0o777).toBe(0o600);
  });

  test('not while a change may hide in the same moment, and not for ever', async () => {
    const { path, read } = await clone();
    const now = Date.now();
    expect(await read('remote.origin.url', now - 1_000)).toEqual(['/srv/one.git', 'asked']);
    expect(await read('remote.origin.url', now - 1_000)).toEqual(['/srv/one.git', 'asked']);
    // Whole seconds: a file system that keeps no finer ones.
    const wholeSecond = Math.ceil((now + 1) / 1_000);
    utimesSync(join(path, '.git/config'), wholeSecond, wholeSecond);
    expect(await read('remote.origin.url', now + 2_000)).toEqual(['/srv/one.git', 'asked']);
    expect(await read('remote.origin.url', now + 2_000)).toEqual(['/srv/one.git', 'asked']);
    expect(await read('remote.origin.url', now + 4_000)).toEqual(['/srv/one.git', 'asked']);
    expect(await read('remote.origin.url', now + 4_000)).toEqual(['/srv/one.git', 'remembered']);
    expect(await read('remote.origin.url', now + 700_000)).toEqual(['/srv/one.git', 'asked']);
  });

  test('a change by git, by an editor of the same length, and a new file of the user are seen', async () => {
    const { path, home, read } = await clone();
    await read('remote.origin.url');
    await git(path, 'remote', 'set-url', 'origin', '/srv/two.git');
    expect(await read('remote.origin.url')).toEqual(['/srv/two.git', 'asked']);
    const file = join(path, '.git/config');
    writeFileSync(file, readFileSync(file, 'utf8').replace('two', 'six'));
    expect(await read('remote.origin.url')).toEqual(['/srv/six.git', 'asked']);
    await read('user.name');
    writeFileSync(join(home, '.gitconfig'), '[user]\n\tname = Ada\n');
    expect(await read('user.name')).toEqual(['Ada', 'asked']);
    expect(await read('user.name')).toEqual(['Ada', 'remembered']);
    mkdirSync(join(home, 'xdg/git'), { recursive: true });
    writeFileSync(join(home, 'xdg/git/config'), '[http]\n\tproxy = p\n');
    expect(await read('http.proxy')).toEqual(['p', 'asked']);
    await git(path, 'config', 'extensions.worktreeConfig', 'true');
    await read('http.proxy');
    await git(path, 'config', '--worktree', 'http.proxy', 'own');
    expect(await read('http.proxy')).toEqual(['own', 'asked']);
  });

  test('with includes it is asked every time', async () => {
    const { path, home, read } = await clone();
    const included = join(home, 'included');
    writeFileSync(included, '[user]\n\tname = Ada\n');
    appendFileSync(join(path, '.git/config'), `[include]\n\tpath = ${included}\n`);
    expect(await read('user.name')).toEqual(['Ada', 'asked']);
    writeFileSync(included, '[user]\n\tname = Bob\n');
    expect(await read('user.name')).toEqual(['Bob', 'asked']);
  });
});
