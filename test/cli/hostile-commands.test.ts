import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

import { COMMANDS } from '../../src/cli/table.js';
import {
  cleanEnvironment as provisionEnvironment,
  MAKE_ONE,
  repository,
  scriptRecipe,
  writeRecipe,
} from '../provision/fixture.js';
import { testDirectory } from '../support/directory.js';
import { answerJson, faultServer } from '../support/fault-server.js';
import { clones, git, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { holdfast, startHolder, startHoldfast } from '../support/holdfast.js';
import { Commands, expectHarmless, hostileVariants, NASTY, withNastyTexts } from '../support/hostile.js';

// The laws for single records, with more values, are in hostile.test and hostile-stores.test. Here each command of the
// table meets a hostile text in every field of every record that it can meet: one that is missing fails the last test.

type Words = readonly string[];
const met = new Set<string>();

/** The command that the words name, as the command line finds it. */
function nameOf(words: Words): string {
  const names = COMMANDS.map(({ name }) => name).filter((name) =>
    `${words.join(' ')} `.startsWith(`${name} `),
  );
  return names.toSorted((a, b) => b.length - a.length)[0] as string;
}

async function meet(commands: Commands, lines: readonly Words[]): Promise<void> {
  for (const words of lines) {
    met.add(nameOf(words));
    await commands.harmless(...words);
  }
}

const withJson = (lines: readonly Words[]): Words[] =>
  lines.flatMap((words) => [words, [...words, '--json']]);
const nastyVariants = (record: object): object[] => [
  ...hostileVariants(record, [NASTY]),
  withNastyTexts(record) as object,
];

const HOLDER = 'abcdefghijklmnopqrstuvwxyz';
/** `run` takes everything behind LOCK for the command. */
const locksOf = (lock: string): Words[] => [
  ['run', '-n', lock, 'true'],
  ['run', '--json', '-n', lock, 'true'],
  ...withJson([
    ['test', lock],
    ['wait', '-w', '1ms', lock],
    ['ls'],
    ['ls', '--all'],
    ['top', '--once'],
    ['show', lock],
    ['why', lock],
    ['clean', '--dry-run'],
    ['clean'],
    ['break', '--force', '--holder', HOLDER, lock],
    ['doctor', '.'],
  ]),
];

describe('every command over a hostile text in every field', { timeout: 600_000 }, () => {
  it('of the records of locks', async () => {
    const directory = testDirectory();
    for (const [lock, flags, path] of [
      ['x', [], () => join(directory, 'x')],
      ['lease:y', ['--lease', '10m'], leaseRecord],
    ] as const) {
      const holder = await startHolder(directory, [...flags, lock]);
      const file = path(directory);
      const text = readFileSync(file, 'utf8');
      const head = text.startsWith('{') ? '' : `${text.split('\n')[0]}\n`;
      const commands = new Commands(directory);
      for (const variant of nastyVariants(JSON.parse(text.slice(head.length)) as object)) {
        writeFileSync(file, `${head}${JSON.stringify(variant)}\n`);
        await meet(
          commands,
          locksOf(lock).filter(([name]) => name !== 'run'),
        );
      }
      for (const words of locksOf(lock).filter(([name]) => name === 'run')) {
        met.add('run');
        expectHarmless(
          words.filter((word) => word !== '--json'),
          await holdfast(directory, words),
        );
      }
      writeFileSync(file, text);
      await holder.end();
    }
    const about = new Commands(directory);
    await meet(about, [
      ...withJson([
        ['help', NASTY],
        ['version'],
        ['version', NASTY],
        ['completion', NASTY],
        ['verify', NASTY],
      ]),
      ['completion', 'bash'],
      ['build-addon', NASTY],
    ]);
  });

  it('of claims', async () => {
    const BRANCH = 'refs/heads/holdfast/claims/';
    const remote = await testRemote();
    const [mallory = '', ada = ''] = await clones(remote, 'mallory', 'ada');
    const commands = new Commands(ada, { ...GIT_ENV, HOLDFAST_AGENT: 'ada' });
    expect((await commands.run('claim', 'model', '--branch', 'b', '--reason', 'r')).code).toBe(0);
    const record = JSON.parse(await git(remote.path, 'show', `${BRANCH}model:lock.json`)) as object;
    for (const variant of nastyVariants({ ...record, resource: 'x' })) {
      publish(mallory, remote.path, JSON.stringify(variant));
      await meet(commands, [
        ...withJson([['claims'], ['claims', 'doctor'], ['claims', 'check', 'x']]),
        ['claims', 'list'],
        ['claims', 'history', 'x', '--json'],
        ['claims', 'repair'],
        ['claims', 'prune', '--dry-run'],
        ['claims', 'renew'],
        ['claims', 'note', 'x', 'half way'],
        ['claims', 'next', '--from', '/dev/null'],
        ['claims', 'sync'],
        ['claim', 'x'],
        ['unclaim', 'x'],
      ]);
    }
    await meet(commands, [
      ...withJson([
        ['claims', 'steal', 'x'],
        ['claims', 'prune'],
      ]),
      ['claims', 'hook', 'install'],
    ]);
    // It serves until its stdin ends.
    const server = startHoldfast(ada, ['mcp'], { env: GIT_ENV });
    met.add('mcp');
    server.child.process.stdin?.end(
      `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'holdfast://claims' } })}\n`,
    );
    expectHarmless(['mcp', '--json'], await server.outcome);
    const watch = startHoldfast(ada, ['claims', 'watch', '--interval', '100ms'], { env: GIT_ENV });
    met.add('claims watch');
    await watch.child.line(/model/);
    watch.child.process.kill('SIGTERM');
    expectHarmless(['claims', 'watch'], await watch.outcome);
  });

  it('of caches', async () => {
    const directory = testDirectory();
    const server = await faultServer((_, response) => answerJson(response, { a: 1 }));
    const refresh = ['cache', 'refresh', 'cache.json', '--url', server.url, '--timeout', '2s'];
    expect((await holdfast(directory, refresh)).code).toBe(0);
    const file = join(directory, 'cache.json');
    const whole = readFileSync(file, 'utf8');
    const [head = '', meta = '', ...rest] = whole.split('\n');
    const parsed = JSON.parse(meta.replace(/^"meta":/, '').replace(/,$/, '')) as object;
    const commands = new Commands(directory);
    const failure = {
      schema: 2,
      id: 'i',
      sourceId: 's',
      code: 'c',
      message: 'm',
      failedAtMs: 1,
      fetch: { bootId: 'b', beganMs: 1 },
    };
    const lines = withJson([
      ['cache', 'status', file],
      ['cache', 'get', file],
      ['cache', 'ls', directory],
      ['cache', 'rm', file],
    ]);
    for (const variant of nastyVariants(parsed)) {
      writeFileSync(file, [head, `"meta":${JSON.stringify(variant)},`, ...rest].join('\n'));
      await meet(commands, [...lines, [...refresh], [...refresh, '--json']]);
    }
    writeFileSync(file, whole);
    for (const variant of nastyVariants(failure)) {
      writeFileSync(`${file}.failed`, JSON.stringify(variant));
      await meet(commands, lines);
    }
    writeFileSync(file, NASTY);
    await meet(commands, [...lines, ['cache', 'rm', file], ['cache', 'rm', '--json', file]]);
  });

  it('of toolchains', async () => {
    const directory = testDirectory();
    const env = provisionEnvironment(directory);
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const path = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
    const args = [path, '--dir', join(directory, 'opt', 'script')];
    expect((await holdfast(directory, ['setup', ...args], { env })).code).toBe(0);
    const commands = new Commands(directory, env);
    const version = (await commands.run('setup', 'path', ...args)).stdout.trim();
    const stamp = join(version, '.holdfast-stamp.json');
    for (const variant of nastyVariants(JSON.parse(readFileSync(stamp, 'utf8')) as object)) {
      writeFileSync(stamp, JSON.stringify(variant));
      await meet(commands, [
        ...withJson([
          ['setup', 'status', ...args],
          ['setup', 'rollback', ...args],
        ]),
        ['setup', 'list'],
        ['setup', 'list', '--json'],
        ['setup', 'path', ...args],
      ]);
    }
    mkdirSync(join(directory, 'opt', 'script.versions', NASTY.replaceAll('/', '')));
    await meet(commands, [
      ['setup', ...args],
      ['setup', 'remove', ...args],
    ]);
  });

  it('of traces', async () => {
    const directory = testDirectory();
    const env = { HOLDFAST_TRACE: directory };
    const hold = ['run', join(directory, 'x.lock'), 'sleep', '0.1'];
    expect((await holdfast(directory, hold, { env })).code).toBe(0);
    const file = join(directory, readdirSync(directory).find((name) => name.startsWith('trace-')) as string);
    const [head = '', event = ''] = readFileSync(file, 'utf8').split('\n');
    const commands = new Commands(directory);
    const lines = [
      ...withJson([['trace', directory]]),
      ['trace', 'export', join(directory, 'x.html'), directory],
      ['trace', 'export', join(directory, 'x.json'), directory],
    ];
    for (const variant of nastyVariants(JSON.parse(head) as object)) {
      writeFileSync(file, `${JSON.stringify(variant)}\n${event}\n`);
      await meet(commands, lines);
    }
    for (const variant of nastyVariants(JSON.parse(event) as object)) {
      writeFileSync(file, `${head}\n${JSON.stringify(variant)}\n`);
      await meet(commands, lines);
    }
  });

  afterAll(() => {
    expect([...met].toSorted(), 'a command that no hostile record was shown to').toEqual(
      COMMANDS.map(({ name }) => name).toSorted(),
    );
  });
});

function leaseRecord(directory: string): string {
  const place = join(directory, 'y');
  return join(place, readdirSync(place).find((entry) => /^i\..*\.json$/.test(entry)) as string);
}

/** Publishes `text` as the record of the claim `x`, by an author of that name. */
function publish(clone: string, remote: string, text: string): void {
  const run = (input: string, ...args: string[]): string =>
    execFileSync('git', args, {
      cwd: clone,
      input,
      encoding: 'utf8',
      env: { ...GIT_ENV, GIT_AUTHOR_NAME: NASTY, GIT_AUTHOR_EMAIL: 'x@example.org' },
    }).trim();
  const blob = run(text, 'hash-object', '-w', '--stdin');
  const tree = run(`100644 blob ${blob}\tlock.json\n`, 'mktree');
  const commit = run('', 'commit-tree', '-m', NASTY, tree);
  run('', 'push', '--quiet', '--force', remote, `${commit}:refs/heads/holdfast/claims/x`);
}
