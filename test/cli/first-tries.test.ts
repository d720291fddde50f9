import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { clones, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { dataOf, holdfast, startHolder } from '../support/holdfast.js';
import { threeEngines } from '../support/three-engines.js';

describe('names that people try first', () => {
  it.each([
    [['-v'], /^\d+\.\d+\.\d+\n$/],
    [['list', '--json'], /"command": "ls"/],
    [['status', '--json'], /"command": "ls"/],
    [['status', 'x', '--json'], /"command": "show"/],
    [['claims', 'release', '--help'], /holdfast unclaim/],
    [['claims', 'show', '--help'], /holdfast claims history/],
    [['claims', 'status', '--help'], /holdfast claims \[list\]/],
    [['setup', 'ls', '--json'], /"command": "setup list"/],
  ])('%j works', async (words, expected) => {
    const { code, stdout, stderr } = await holdfast(testDirectory(), words);
    expect([code, stdout, stderr]).toEqual([0, expect.stringMatching(expected), '']);
  });

  it.each([
    [['lock', 'x'], 'Write "holdfast run LOCK COMMAND"'],
    [['unlock', 'x'], 'Write "holdfast break LOCK --holder ID"'],
    [['claims', 'hook', 'uninstall'], 'Write "rm "$(git rev-parse'],
    [['claims', 'stael', 'x'], 'did you mean "steal"?'],
    [['cache', 'refesh'], 'did you mean "refresh"?'],
    [['setup', 'lst'], 'did you mean "list"?'],
    [['sohw', 'x'], 'did you mean "show"?'],
    [['show', '--jsn', 'x'], 'did you mean "--json"?'],
  ])('%j is answered with the right line', async (words, expected) => {
    const { code, stdout, stderr } = await holdfast(testDirectory(), words);
    expect([code, stdout, stderr]).toEqual([64, '', expect.stringContaining(expected)]);
  });
});

test('help --json has every command, with its options and positionals', async () => {
  const { stdout } = await holdfast(testDirectory(), ['help', '--json']);
  const { commands } = dataOf<{ commands: { name: string; options: { name: string }[] }[] }>(stdout);
  const run = commands.find(({ name }) => name === 'run');
  expect(run?.options.map(({ name }) => name)).toContain('conflict-exit-code');
  expect(commands.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['ls', 'cache get', 'claims hook install']),
  );
});

describe('doctor, why and ls take every kind of address', () => {
  const engines = threeEngines();

  it('of servers', async () => {
    const directory = testDirectory();
    for (const { url } of [engines.redis, engines.postgres, engines.etcd]) {
      const doctor = await holdfast(directory, ['doctor', url]);
      expect([doctor.code, doctor.stdout]).toEqual([0, expect.stringMatching(/answers +yes/)]);
      expect((await holdfast(directory, ['why', `${url}#x`])).stdout).toMatch(/ is free\n$/);
      const holder = await startHolder(directory, [`${url}#x`]);
      expect((await holdfast(directory, ['why', `${url}#x`])).stdout).toMatch(/ is held by pid \d+/);
      await holder.end();
    }
    const nothing = await holdfast(directory, ['doctor', 'redis://127.0.0.1:1#x']);
    expect([nothing.code, nothing.stdout]).toEqual([69, expect.stringContaining('Could not')]);
  });

  it('of paths', async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, 'd'));
    for (const address of ['d', 'd/new.lock', 'flock:d/x', 'lease:d/x']) {
      const { code, stderr } = await holdfast(directory, ['doctor', address]);
      expect([address, code, stderr]).toEqual([address, 0, '']);
    }
    expect((await holdfast(directory, ['doctor', 'missing/x'])).code).toBe(64);
  });

  it('of git remotes', async () => {
    const remote = await testRemote();
    const [ada = ''] = await clones(remote, 'ada');
    const env = { ...GIT_ENV, HOLDFAST_AGENT: 'ada' };
    const run = (...words: string[]) => holdfast(ada, words, { env });
    expect((await run('claim', 'one', '--reason', 'r')).code).toBe(0);
    expect((await run('ls', 'git:origin')).stdout).toMatch(/git:origin#one +exclusive .*agent ada.*git\n$/);
    expect((await run('doctor', 'git:origin')).stdout).toMatch(/answers +yes/);
    expect((await run('why', 'git:origin#one')).stdout).toMatch(/is held by .*ada/);
    const { stdout } = await run('show', 'git:origin#one', '--json');
    const { break: line } = dataOf<{ break: string }>(stdout);
    expect(line).toBe('holdfast unclaim --force --reason TEXT --remote origin one');
    expect((await run(...line.split(' ').slice(1))).code).toBe(0);
    expect((await run('test', 'git:origin#one')).code).toBe(0);
  });
});
