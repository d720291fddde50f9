import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { etcdCall } from '../support/engines.js';
import { clones, git, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { cleanEnvironment, HOLDFAST, holdfast } from '../support/holdfast.js';
import { start } from '../support/processes.js';
import { connectRedis } from '../support/redis-client.js';
import { threeEngines } from '../support/three-engines.js';

// As secrets.test, where no server answers; here they do, and some of them refuse.

const SECRET = 's3cret-served-x9';
const WRONG = 's3cret-wrong-x9';
const engines = threeEngines();

beforeAll(async () => {
  const redis = await connectRedis(engines.redis.url);
  await redis.sendCommand(['ACL', 'SETUSER', 'ada', 'on', `>${SECRET}`, '~*', '&*', '+@all']);
  redis.destroy();
  const { url } = engines.etcd;
  await etcdCall(url, '/v3/auth/user/add', { name: 'root', password: SECRET });
  await etcdCall(url, '/v3/auth/role/add', { name: 'root' });
  await etcdCall(url, '/v3/auth/user/grant', { user: 'root', role: 'root' });
  await etcdCall(url, '/v3/auth/enable', {});
});

interface Day {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly outputs: string[];
}

function newDay(extra: NodeJS.ProcessEnv = {}): Day {
  const directory = testDirectory();
  const home = join(directory, 'home');
  mkdirSync(home);
  const env = cleanEnvironment({ ...extra, HOME: home, XDG_STATE_HOME: join(home, 'state') });
  return { directory, env, outputs: [] };
}

async function use({ env, outputs }: Day, cwd: string, ...args: string[]): Promise<void> {
  const { code, stdout, stderr } = await holdfast(cwd, args, { env });
  outputs.push(`$ holdfast ${args[0]}: ${code}\n${stdout}${stderr}`);
}

/** Holds `address`, and has every command look at it and wait for it. */
async function useWhileHeld(day: Day, cwd: string, address: string): Promise<void> {
  const words = [
    HOLDFAST,
    'run',
    '--verbose',
    '--events',
    'events.ndjson',
    address,
    'sh',
    '-c',
    'echo in; read line',
  ];
  const holder = start(process.execPath, words, { cwd, env: day.env, stdio: ['pipe', 'pipe', 'pipe'] });
  holder.process.stderr?.setEncoding('utf8').on('data', (text: string) => day.outputs.push(text));
  await holder.line(/^in$/);
  await use(day, cwd, 'run', '-w', '300ms', address, 'true');
  await use(day, cwd, 'run', '-n', address, 'true');
  for (const command of ['show', 'why', 'test']) await use(day, cwd, command, address);
  await use(day, cwd, 'show', '--json', address);
  await use(day, cwd, 'break', '--force', '--holder', 'abcdefghijklmnopqrstuvwxyz', address);
  holder.process.stdin?.end('\n');
  await holder.exited;
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** @param planted files in which the test itself has put them. */
function expectNone({ directory, outputs }: Day, planted = /$^/): void {
  const found = [
    ...outputs.filter((text) => text.includes('s3cret')),
    ...filesBelow(directory).filter((path) => !planted.test(path) && readFileSync(path).includes('s3cret')),
  ];
  expect(found.join('\n')).toBe('');
  expect(outputs.length).toBeGreaterThan(5);
}

test.each([
  ['redis', 'ada', () => engines.redis.url],
  ['etcd', 'root', () => engines.etcd.url],
  ['postgres', 'holder', () => engines.postgres.url.replace('holder@', '')],
] as const)(
  'a password of %s, right or wrong, is on no disk and in no output',
  { timeout: 180_000 },
  async (_, user, url) => {
    const day = newDay();
    const at = (password: string, name: string = user): string =>
      url().replace('://', `://${name}:${password}@`);

    await useWhileHeld(day, day.directory, `${at(SECRET)}#deploy`);
    await use(day, day.directory, 'ls', at(SECRET));
    await use(day, day.directory, 'ls', '--json', at(SECRET));
    await use(day, day.directory, 'doctor', at(SECRET));
    for (const refused of [at(WRONG), at(WRONG, 'nobody'), `${at(WRONG)}?password=${WRONG}`]) {
      await use(day, day.directory, 'run', '-w', '5s', `${refused}#deploy`, 'true');
      await use(day, day.directory, 'show', '--json', `${refused}#deploy`);
      await use(day, day.directory, 'ls', refused);
      await use(day, day.directory, 'doctor', refused);
    }

    expectNone(day);
  },
);

test(
  'headers of git in local, included, global and environment settings are on no disk and in no output',
  { timeout: 180_000 },
  async () => {
    const remote = await testRemote('http');
    const day = newDay({
      ...GIT_ENV,
      HOLDFAST_AGENT: 'ada',
      GIT_CONFIG_GLOBAL: undefined,
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'http.extraHeader',
      GIT_CONFIG_VALUE_0: `Authorization: s3cret-environment`,
      GIT_TRACE_CURL: undefined,
    });
    const [clone = ''] = await clones(remote, 'ada');
    const header = (name: string): string => `[http]\n\textraHeader = X-Auth: s3cret-${name}\n`;
    writeFileSync(join(clone, '..', 'included.config'), header('included'));
    writeFileSync(join(day.env['HOME'] as string, '.gitconfig'), header('global'));
    await git(clone, 'config', 'http.extraHeader', 'X-Auth: s3cret-local');
    await git(clone, 'config', 'include.path', join(clone, '..', 'included.config'));
    const withLogin = remote.url.replace('//', '//ada:s3cret-url@');
    await git(clone, 'remote', 'set-url', 'origin', withLogin);
    const absent = `${withLogin.replace(/[^/]*$/, '')}none.git?token=s3cret-query`;

    await use(day, clone, 'claim', 'x', '--reason', 'r');
    for (const words of [
      [],
      ['list', '--json'],
      ['check', 'x'],
      ['history', 'x', '--json'],
      ['renew'],
      ['doctor'],
    ])
      await use(day, clone, 'claims', ...words);
    for (const words of [['steal', 'x', '--force', '--reason', 'r'], ['repair'], ['sync'], ['prune']])
      await use(day, clone, 'claims', ...words);
    await use(day, clone, 'unclaim', 'x');
    await useWhileHeld(day, clone, 'git:origin#y');
    await useWhileHeld(day, clone, `git:${withLogin}#z`);
    for (const words of [
      ['claim', 'x', '--remote', absent],
      ['claims', '--remote', absent],
      ['run', '-w', '5s', `git:${absent}#x`, 'true'],
      ['doctor', `git:${absent}`],
    ])
      await use(day, clone, ...words);

    expectNone(day, /\.gitconfig$/);
    expectNone({ ...day, directory: clone }, /\.git\/config$/);
  },
);
