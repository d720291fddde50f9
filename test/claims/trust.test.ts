import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { check, claim, list } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import {
  clones,
  git,
  GIT_ENV,
  optionsFor,
  testClone,
  testRemote,
  type TestRemote,
} from '../support/git-remotes.js';

const STRANGER = 65534;

/** What another user plants into a clone of his, for the next who runs holdfast there. */
async function planted(remote: TestRemote): Promise<{ clone: string; proof: string }> {
  const clone = await testClone(remote, 'evil');
  const proof = join(remote.directory, 'proof');
  const store = join(clone, '.git/holdfast/claims.git');
  const other = join(clone, 'other');
  mkdirSync(join(store, 'holdfast'), { recursive: true });
  mkdirSync(join(other, 'objects'), { recursive: true });
  mkdirSync(join(other, 'refs'), { recursive: true });
  writeFileSync(join(store, 'commondir'), other);
  const commands = `[core]\n\tsshCommand = touch ${proof} #\n\tfsmonitor = touch ${proof} #\n[remote "holdfast"]\n\tuploadpack = touch ${proof} #\n\treceivepack = touch ${proof} #\n`;
  for (const path of [join(other, 'config'), join(store, 'config')]) writeFileSync(path, commands);
  appendFileSync(join(clone, '.git/config'), commands);
  execFileSync('chown', ['-R', `${STRANGER}:${STRANGER}`, clone]);
  return { clone, proof };
}

describe("the clone of another user, whom git doesn't trust", () => {
  test.each([
    ['claims', (url: string) => ['claims', '--remote', url], 0],
    ['claim', (url: string) => ['claim', 'x', '--remote', url], 0],
    ['run', (url: string) => ['run', `git:${url}#x`, '--', 'true'], 0],
    ['its own remote', () => ['claim', 'x'], 77],
  ])('%s: nothing of it is used', async (_, words, code) => {
    const remote = await testRemote();
    const { clone, proof } = await planted(remote);
    const home = join(remote.directory, 'home');
    const env = { HOME: home, XDG_STATE_HOME: undefined, HOLDFAST_AGENT: 'victim' };
    const result = await cli(clone, words(remote.url), { env });
    expect([result.code, result.stderr]).toEqual([
      code,
      code === 77 ? expect.stringContaining('safe.directory') : expect.any(String),
    ]);
    expect(existsSync(proof)).toBe(false);
    expect(readdirSync(join(clone, '.git/holdfast/claims.git')).sort()).toEqual([
      'commondir',
      'config',
      'holdfast',
    ]);
  });
});

test.each(['commondir', 'FETCH_HEAD', 'objects/info/alternates', 'holdfast/journal.json'])(
  'a planted %s in the store of one’s own clone is refused, and what it links to is left alone',
  async (name) => {
    const remote = await testRemote();
    const [ada = ''] = await clones(remote, 'ada');
    const store = join(ada, '.git/holdfast/claims.git');
    await claim('x', optionsFor(ada));
    const target = join(remote.directory, 'target');
    writeFileSync(target, 'precious');
    execFileSync('rm', ['-f', join(store, name)]);
    symlinkSync(target, join(store, name));
    await expect(claim('y', optionsFor(ada))).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
    expect(readFileSync(target, 'utf8')).toBe('precious');
  },
);

test.each([
  'config',
  'HEAD',
  'packed-refs',
  'FETCH_HEAD',
  'objects/pack/x',
  'holdfast/journal.log',
  'refs/heads/x',
])('a FIFO as %s in the store is refused, and no command waits for its other end', async (name) => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  const store = join(ada, '.git/holdfast/claims.git');
  await claim('x', optionsFor(ada));
  execFileSync('rm', ['-f', join(store, name)]);
  execFileSync('mkfifo', [join(store, name)]);
  await expect(claim('y', optionsFor(ada))).rejects.toMatchObject({ code: 'HOLDFAST_PERMISSION' });
});

test('no secret of the settings, of the environment or of the URL is written to disk', async () => {
  const remote = await testRemote('http');
  const [ada = ''] = await clones(remote, 'ada');
  await git(ada, 'config', 'http.extraHeader', 'Authorization: s3cret-local');
  await git(ada, 'config', 'credential.helper', '!echo s3cret-helper');
  await git(ada, 'remote', 'set-url', 'origin', remote.url.replace('//', '//user:s3cret-url@'));
  const env = {
    ...GIT_ENV,
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.cookieFile',
    GIT_CONFIG_VALUE_0: '/s3cret-env',
  };
  for (let round = 0; round < 2; round++) await claim(`x${round}`, { ...optionsFor(ada), env });
  const found = execFileSync('sh', ['-c', 'grep -rl s3cret .git || :'], { cwd: ada, encoding: 'utf8' });
  expect(found.trim()).toBe('.git/config');
});

test('a copied clone starts with no holds, and the original keeps its own', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await claim('x', optionsFor(ada));
  const copy = join(remote.directory, 'copy');
  cpSync(ada, copy, { recursive: true, preserveTimestamps: true });
  const asCopy = { ...optionsFor(copy), agent: 'ada' };
  expect((await claim('x', asCopy)).outcome).toBe('contended');
  expect((await list(asCopy)).lost).toEqual([]);
  expect((await check('x', optionsFor(ada)))[0]?.outcome).toBe('held');
  expect(
    (await cli(copy, ['run', '-n', 'git:origin#x', '--', 'true'], { env: { HOLDFAST_AGENT: 'ada' } })).code,
  ).toBe(75);
});

/** A helper that leaves a program running in git's own process group, with its standard error open, as old ssh masters do. */
function leavesOther(directory: string): { readonly env: NodeJS.ProcessEnv; pid(): number } {
  const ssh = join(directory, 'ssh');
  const file = join(directory, 'pid');
  writeFileSync(
    ssh,
    `#!/bin/sh\n[ -e ${file} ] || { sleep 300 </dev/null >/dev/null & echo $! > ${file}; }\nfor last; do :; done\nexec sh -c "$last"\n`,
  );
  chmodSync(ssh, 0o755);
  const pid = (): number => Number(readFileSync(file, 'utf8'));
  onTestFinished(() => {
    if (existsSync(file)) process.kill(pid(), 'SIGKILL');
  });
  return { env: { ...GIT_ENV, GIT_SSH: ssh }, pid };
}

test('a program that git leaves running with its output open neither delays a claim nor is ended', async () => {
  const remote = await testRemote();
  const other = leavesOther(remote.directory);
  const [ada = ''] = await clones({ ...remote, url: `ssh://host${remote.path}` }, 'ada');
  const claimed = await claim('x', { ...optionsFor(ada), env: other.env, timeoutMs: 120_000 });
  expect(claimed.outcome).toBe('claimed');
  expect(process.kill(other.pid(), 0)).toBe(true);
  // As if the command had been killed: its successor ends what it started, and only that.
  const started = spawn('sleep', ['300'], { detached: true, stdio: 'ignore' });
  onTestFinished(() => void started.kill('SIGKILL'));
  const { startedLine } = await import('../../src/process/git/started.js');
  const ended = once(started, 'exit');
  writeFileSync(join(ada, '.git/holdfast/claims.git/holdfast/busy'), startedLine(started.pid as number), {
    mode: 0o600,
  });
  expect((await claim('x', { ...optionsFor(ada), env: other.env })).outcome).toBe('already-held');
  await ended;
  expect(process.kill(other.pid(), 0)).toBe(true);
});
