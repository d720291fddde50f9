import { Ajv } from 'ajv';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';

import { loadForms } from '../../src/cli/table.js';
import {
  cleanEnvironment as provisionEnvironment,
  MAKE_ONE,
  repository,
  scriptRecipe,
  writeRecipe,
} from '../provision/fixture.js';
import { startBucketStore } from '../../src/testing/bucket-store.js';
import { startCli } from '../support/cli.js';
import { testDirectory } from '../support/directory.js';
import { together, whenFinished } from '../support/finish.js';
import { answerJson, faultServer } from '../support/fault-server.js';
import { clones, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { holdfast, startHolder } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (path: string): object => JSON.parse(readFileSync(join(root, path), 'utf8')) as object;
const files = readdirSync(join(root, 'schemas'));
const ajv = new Ajv({ strict: false, schemas: files.map((file) => read(`schemas/${file}`)) });
const seen = new Set<string>();

/** The document is what the schema of its command says; undefined fields would not be in it. */
function expectValid(text: string, schema?: string): void {
  const document = JSON.parse(text) as { command: string; exitCode: number };
  const name = schema ?? document.command.replaceAll(' ', '-');
  expect(ajv.validate(`${name}.json`, document), `${text}\n${ajv.errorsText()}`).toBe(true);
  seen.add(name);
}

async function check(cwd: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> {
  const { code, stdout, stderr } = await holdfast(cwd, [...words, '--json'], { env });
  if (stdout === '') return expectValid(stderr.trim().split('\n').at(-1) as string, 'error');
  expect((JSON.parse(stdout) as { exitCode: number }).exitCode).toBe(code);
  expectValid(stdout);
}

async function names(): Promise<string[]> {
  const forms = (await loadForms()).filter(({ options }) => options.some(({ name }) => name === 'json'));
  // `claims` alone is `claims list`.
  return forms.map(({ name }) => name.replaceAll(' ', '-')).filter((name) => name !== 'claims');
}

test('each command with --json has a schema, which the package exports', async () => {
  expect(files.toSorted()).toEqual(
    [...(await names()), 'common', 'error'].map((name) => `${name}.json`).toSorted(),
  );
  const { exports } = read('package.json') as { exports: Record<string, unknown> };
  for (const file of files) expect(exports[`./schemas/${file}`]).toBe(`./schemas/${file}`);
});

describe('what commands print is what their schema says', () => {
  together('of locks', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['--reason', 'r', 'x']);
    const lease = await startHolder(directory, ['lease:y']);
    for (const words of [
      ['ls'],
      ['show', 'x'],
      ['show', 'lease:y'],
      ['show', 'free'],
      ['why', 'x'],
      ['why', 'lease:y'],
      ['clean', '--dry-run'],
      ['doctor'],
      ['doctor', 'redis://127.0.0.1:1'],
      ['help'],
      ['help', 'cache'],
      ['version'],
      ['show', 'foo://x'],
      ['frobnicate'],
      ['ls', 'missing/x'],
      ['ls', '--all'],
      ['top', '--once'],
      ['trace', directory],
    ]) {
      await check(directory, words);
    }
    await lease.end();
    mkdirSync(join(directory, 'v'));
    await check(directory, ['verify', '-q', '--rounds', '4', '--lease', '1s', 'v']);
    const store = await startBucketStore();
    whenFinished(() => store.close());
    const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
    await check(
      directory,
      ['verify', '-q', '--rounds', '1', `s3://bucket/p?endpoint=${store.endpoint}`],
      env,
    );
  });

  together('of caches', async () => {
    const directory = testDirectory();
    const server = await faultServer((_, response) => answerJson(response, { a: 1 }));
    const closed = 'http://127.0.0.1:1/';
    for (const words of [
      ['refresh', 'c', '--url', server.url],
      ['get', 'c'],
      ['status', 'c'],
      ['status', 'missing'],
      ['get', 'missing'],
      ['refresh', 'd', '--url', closed, '--timeout', '1s'],
      ['ls'],
      ['rm', 'c', 'missing'],
    ]) {
      await check(directory, ['cache', ...words]);
    }
  });

  together('of toolchains', async () => {
    const directory = testDirectory();
    const env = provisionEnvironment(directory);
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const path = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
    const place = [path, '--dir', join(directory, 'opt', 'script')];
    expect((await holdfast(directory, ['setup', ...place], { env })).code).toBe(0);
    await check(directory, ['setup', 'list'], env);
    await check(directory, ['setup', 'status', ...place], env);
    await check(directory, ['setup', 'status'], env);
    expect((await holdfast(directory, ['setup', ...place, '--repair', 'always'], { env })).code).toBe(0);
    await check(directory, ['setup', 'rollback', ...place], env);
  });

  together('of claims', async () => {
    const remote = await testRemote();
    const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
    writeFileSync(join(ada, 'items'), 'x\n');
    const as = (agent: string): NodeJS.ProcessEnv => ({ ...GIT_ENV, HOLDFAST_AGENT: agent });
    const watcher = startCli(bob, ['claims', 'watch', '--json', '--interval', '100ms']);
    let lines = '';
    watcher.process.stdout?.on('data', (chunk: string) => (lines += chunk));
    for (const words of [
      ['claim', 'x', '--branch', 'b', '--reason', 'r'],
      ['claim', 'x'],
      ['claims'],
      ['claims', 'list'],
      ['claims', 'check', 'x', 'y'],
      ['claims', 'history', 'x'],
      ['claims', 'renew'],
      ['claims', 'note', 'x', 'half way'],
      ['claims', 'next', '--from', 'items'],
      ['claims', 'note', 'unheld', 'half way'],
      ['claims', 'repair'],
      ['claims', 'sync'],
      ['claims', 'doctor'],
      ['claims', 'prune', '--older-than', '0s'],
      ['claims', 'hook', 'install'],
      ['ls', 'git:origin'],
      ['show', 'git:origin#x'],
    ]) {
      await check(ada, words, as('ada'));
    }
    await check(bob, ['claim', 'x'], as('bob'));
    await check(bob, ['claims', 'steal', 'x'], as('bob'));
    await check(bob, ['claims', 'steal', 'x', '--force', '--reason', 'r'], as('bob'));
    await check(ada, ['unclaim', 'x'], as('ada'));
    await check(bob, ['unclaim', 'x', 'y'], as('bob'));
    await check(bob, ['claims', '--remote', '/missing'], as('bob'));
    await eventually('the watcher has seen a change', () => lines.includes('\n') || undefined);
    watcher.process.kill('SIGTERM');
    for (const line of lines.trim().split('\n')) expectValid(line);
  });
});

afterAll(async () => {
  for (const name of await names()) expect([...seen], `no output of ${name} was checked`).toContain(name);
});
