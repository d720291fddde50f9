import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { cleanEnvironment, HOLDFAST, holdfast, startHoldfast } from '../support/holdfast.js';
import { start } from '../support/processes.js';

/** Each is planted in one place; none may be found in another. */
const secret = (name: string): string => `s3cret-${name}-x9`;
const NAMES = [
  ...['argument', 'shell', 'environment', 'redis', 'rediss', 'etcd', 'postgres', 'query', 'git', 'git-query'],
  ...['cache', 'cache-query', 'recipe', 'recipe-query', 'header', 'global-header', 'included-header'],
  ...['environment-header', 'helper', 'name'],
];

/** Where the test itself puts them. */
const PLANTED = /\.git\/config$|included\.config$|\.gitconfig$|recipe\.json$/;

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

interface Day {
  readonly directory: string;
  readonly env: NodeJS.ProcessEnv;
  readonly outputs: string[];
}

function prepare(): Day {
  const directory = testDirectory();
  const home = join(directory, 'home');
  mkdirSync(home);
  const git = (...args: string[]): void => void execFileSync('git', args, { cwd: directory, env });
  const env = cleanEnvironment({
    HOME: home,
    XDG_STATE_HOME: join(home, 'state'),
    HOLDFAST_AGENT: 'ada',
    DATABASE_PASSWORD: secret('environment'),
    GIT_CONFIG_COUNT: '1',
    GIT_CONFIG_KEY_0: 'http.extraHeader',
    GIT_CONFIG_VALUE_0: `Authorization: ${secret('environment-header')}`,
  });
  git('init', '-q');
  git('config', 'http.https://127.0.0.1:1/.extraHeader', `Authorization: basic ${secret('header')}`);
  git('config', 'include.path', join(directory, 'included.config'));
  git('config', 'credential.helper', `!echo password=${secret('helper')}`);
  git('config', `url.https://x:${secret('name')}@127.0.0.1:1/.insteadOf`, 'mirror:');
  const header = (name: string): string => `[http]\n\textraHeader = Authorization: ${secret(name)}\n`;
  writeFileSync(join(directory, 'included.config'), header('included-header'));
  writeFileSync(join(home, '.gitconfig'), header('global-header'));
  git(
    'remote',
    'add',
    'origin',
    `https://ada:${secret('git')}@tail@127.0.0.1:1/r.git?token=${secret('git-query')}`,
  );
  git('remote', 'add', 'rewritten', 'mirror:r.git');
  const archive = `http://u:${secret('recipe')}@127.0.0.1:1/a.tgz?sig=${secret('recipe-query')}`;
  writeFileSync(
    join(directory, 'recipe.json'),
    JSON.stringify({ name: 'tool', source: { archive, sha256: '0'.repeat(64) }, steps: [], artifacts: [] }),
  );
  return { directory, env, outputs: [] };
}

async function use({ directory, env, outputs }: Day, ...args: string[]): Promise<void> {
  const { stdout, stderr } = await holdfast(directory, args, { env });
  outputs.push(`$ holdfast ${args[0]}\n${stdout}${stderr}`);
}

test('a day of use leaves no secret on disk and none in any output', { timeout: 120_000 }, async () => {
  const day = prepare();
  const { directory, env, outputs } = day;
  const words = ['sh', '-c', `echo in; read line; : ${secret('shell')}`, `-p${secret('argument')}`];
  for (const lock of ['x.lock', 'lease:y']) {
    const holder = start(process.execPath, [HOLDFAST, 'run', '--events', 'events.ndjson', lock, ...words], {
      cwd: directory,
      env,
    });
    await holder.line(/^in$/);
    await use(day, 'run', '-n', lock, 'mysql', `-p${secret('argument')}`);
    const waiter = startHoldfast(
      directory,
      ['run', '-w', '300ms', lock, 'mysql', `-p${secret('argument')}`],
      { env },
    );
    outputs.push((await waiter.outcome).stderr);
    for (const command of ['show', 'why']) await use(day, command, lock);
    await use(day, 'show', '--json', lock);
    await use(day, 'ls', '--json');
    await use(day, 'ls');
    holder.process.stdin?.end('\n');
    await holder.exited;
  }
  const at = '@tail@127.0.0.1:1';
  for (const scheme of ['redis', 'rediss', 'etcd', 'postgres']) {
    const address = `${scheme}://u:p/${secret(scheme)}${at}/0?password=${secret('query')}#deploy`;
    for (const command of ['show', 'test', 'ls', 'doctor']) await use(day, command, address);
    await use(day, 'run', '-w', '1s', address, 'true');
  }
  const remote = `git:https://ada:${secret('git')}${at}/r.git?private_token=${secret('git-query')}#deploy`;
  await use(day, 'run', '-w', '2s', remote, 'true');
  for (const name of ['origin', 'rewritten', `https://ada:${secret('git')}${at}/r.git`]) {
    await use(day, 'claim', 'issue-1', '--remote', name);
    await use(day, 'claims', '--remote', name);
    await use(day, 'claims', 'repair', '--remote', name);
  }
  const url = `http://u:${secret('cache')}${at}/x?token=${secret('cache-query')}`;
  await use(day, 'cache', 'refresh', 'c.json', '--url', url, '--timeout', '2s');
  await use(day, 'cache', 'get', 'c.json', '--url', url, '--timeout', '2s');
  await use(day, 'cache', 'status', 'c.json');
  await use(day, 'setup', './recipe.json', '--dir', join(directory, 'tool'), '--timeout', '2s');
  await use(day, 'setup', 'status', './recipe.json');
  await use(day, 'doctor');

  const found = NAMES.flatMap((name) => [
    ...outputs.filter((text) => text.includes(secret(name))).map((text) => `${name} in output: ${text}`),
    ...filesBelow(directory)
      .filter((path) => !PLANTED.test(path) && readFileSync(path).includes(secret(name)))
      .map((path) => `${name} in ${path.slice(directory.length)}`),
  ]);
  expect(found.join('\n')).toBe('');
});
