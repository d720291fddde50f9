import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, afterAll, describe, expect } from 'vitest';

import { advisoryKey } from '../../src/backends/postgres/keys.js';
import { testDirectory } from '../support/directory.js';
import { together } from '../support/finish.js';
import {
  cleanEnvironment as provisionEnvironment,
  MAKE_ONE,
  repository,
  scriptRecipe,
  writeRecipe,
} from '../provision/fixture.js';
import { etcdCall } from '../support/engines.js';
import { answerJson, faultServer } from '../support/fault-server.js';
import { clones, git, GIT_ENV, testRemote } from '../support/git-remotes.js';
import { holdfast } from '../support/holdfast.js';
import { Commands, expectHarmless, hostileVariants, NASTY, withNastyTexts } from '../support/hostile.js';
import { connectPostgres, type TestPostgres } from '../support/postgres-client.js';
import { connectRedis, type TestRedis } from '../support/redis-client.js';
import { threeEngines } from '../support/three-engines.js';

const HOLDER = 'abcdefghijklmnopqrstuvwxyz';

function looks(lock: string): string[][] {
  const server = lock.replace(/#.*/, '');
  return [
    ['show', lock],
    ['show', '--json', lock],
    ['why', lock],
    ['test', lock],
    ['wait', '-w', '50ms', lock],
    ['ls', server],
    ['ls', '--json', server],
    ['break', '--force', '--holder', 'zbcdefghijklmnopqrstuvwxyz', lock],
  ];
}

const NOTE = {
  pid: process.pid,
  startTime: 1,
  host: 'h',
  bootId: 'b',
  pidNamespace: 1,
  command: 'c',
  sinceAtMs: 1,
  reason: 'r',
};

/** Fewer values than for files, since each needs a server. */
const VALUES: readonly unknown[] = [NASTY, { toString: 1 }, 1e300, null];

describe.concurrent('hostile records in engines', { timeout: 240_000 }, () => {
  const engines = threeEngines();
  let redis: TestRedis;
  let postgres: TestPostgres;

  beforeAll(async () => {
    redis = await connectRedis(engines.redis.url);
    postgres = await connectPostgres(engines.postgres.url);
  });
  afterAll(async () => {
    redis.destroy();
    await postgres.end();
  });

  const notes = [...hostileVariants(NOTE, VALUES), withNastyTexts(NOTE)].map((note) => JSON.stringify(note));
  const texts = [...notes, NASTY, 'null', '[]', ''];

  together('of redis', async () => {
    const lock = `${engines.redis.url}#x`;
    const commands = new Commands(testDirectory());
    for (const value of [
      ...texts.map((note) => `1 ${HOLDER} 5\n${note}`),
      NASTY,
      `9 ${NASTY}`,
      `1 ${NASTY}`,
    ]) {
      await redis.sendCommand(['SET', '{x}:lock', value]);
      for (const words of looks(lock)) await commands.harmless(...words);
    }
    const nasty = `{${encodeURIComponent(NASTY)}}:lock`;
    await redis.sendCommand(['SET', nasty, `1 ${HOLDER} 5\n${JSON.stringify(withNastyTexts(NOTE))}`]);
    await redis.sendCommand(['SET', `{${NASTY}}:lock`, NASTY]);
    for (const words of looks(`${engines.redis.url}#${NASTY}`)) await commands.harmless(...words);
    const words = ['run', '-w', '150ms', `${engines.redis.url}#${NASTY}`, 'true'];
    expectHarmless(words, await holdfast(testDirectory(), words));
  });

  together('of etcd', async () => {
    const { url } = engines.etcd;
    const put = (key: string, value: string): Promise<unknown> =>
      etcdCall(url, '/v3/kv/put', {
        key: Buffer.from(key).toString('base64'),
        value: Buffer.from(value).toString('base64'),
      });
    const commands = new Commands(testDirectory());
    for (const value of [...texts.map((note) => `1 ${note}`), NASTY, `9 ${NASTY}`]) {
      await put(`holdfast/x/x/${HOLDER}`, value);
      for (const words of looks(`${url}#x`)) await commands.harmless(...words);
    }
    await put(
      `holdfast/${encodeURIComponent(NASTY)}/x/${HOLDER}`,
      `1 ${JSON.stringify(withNastyTexts(NOTE))}`,
    );
    await put(`holdfast/${NASTY}/x/${HOLDER}`, NASTY);
    for (const words of looks(`${url}#${NASTY}`)) await commands.harmless(...words);
  });

  together('of postgres', async () => {
    const { url } = engines.postgres;
    const commands = new Commands(testDirectory());
    await postgres.query(`set application_name to 'holdfast ${HOLDER}'`);
    // Each look takes a session of its own.
    for (const note of [...hostileVariants(NOTE, [NASTY]), NOTE].map((one) => JSON.stringify(one))) {
      await postgres.query(`${labelOf(note)} select pg_advisory_lock(${advisoryKey('x', 'lock')})`);
      for (const words of looks(`${url}#x`)) await commands.harmless(...words);
      await postgres.query(`select pg_advisory_unlock_all()`);
    }
    await postgres.query(`set application_name to '${NASTY}'`);
    const label = labelOf(JSON.stringify(withNastyTexts(NOTE)));
    await postgres.query(`${label} select pg_advisory_lock(${advisoryKey(NASTY, 'lock')})`);
    for (const words of looks(`${url}#${NASTY}`)) await commands.harmless(...words);
  });
});

/** What opens the statements of a holder. */
function labelOf(note: string): string {
  return `/*holdfast:${Buffer.from(JSON.stringify([1, note])).toString('base64url')}*/`;
}

describe.concurrent('hostile claims', { timeout: 240_000 }, () => {
  const BRANCH = 'refs/heads/holdfast/claims/';

  together('in every field, as author and as branch', async () => {
    const remote = await testRemote();
    const [mallory = '', ada = ''] = await clones(remote, 'mallory', 'ada');
    const commands = new Commands(ada, { ...GIT_ENV, HOLDFAST_AGENT: 'ada' });
    expect((await commands.run('claim', 'model', '--branch', 'b', '--reason', 'r')).code).toBe(0);
    const record = JSON.parse(await git(remote.path, 'show', `${BRANCH}model:lock.json`)) as object;
    const variants = [...hostileVariants({ ...record, resource: 'x' }, [NASTY, { toString: 1 }])];
    const texts = [...variants.map((variant) => JSON.stringify(variant)), NASTY, 'null'];
    for (const text of texts) {
      await forge(mallory, remote.path, 'x', text, NASTY);
      for (const words of [
        ['claims'],
        ['claims', '--json'],
        ['claims', 'history', 'x'],
        ['claims', 'history', 'x', '--json'],
        ['claim', 'x'],
        ['claims', 'repair'],
      ]) {
        await commands.harmless(...words);
      }
    }
    for (const words of [
      ['claims', 'check', 'x'],
      ['claims', 'check', 'x', '--json'],
      ['claims', 'steal', 'x'],
      ['claims', 'renew'],
      ['claims', 'sync'],
      ['unclaim', 'x'],
      ['show', `git:${remote.url}#x`],
      ['ls', `git:${remote.url}`],
      ['test', `git:${remote.url}#x`],
      ['doctor', `git:${remote.url}`],
    ]) {
      await commands.harmless(...words);
    }
    const published = await git(remote.path, 'rev-parse', `${BRANCH}x`);
    await git(remote.path, 'update-ref', `${BRANCH}\u009bevil\u202e`, published.trim());
    await commands.harmless('claims');
    await commands.harmless('claims', 'repair');
  });
});

/** Publishes `text` as the record of a claim. */
async function forge(clone: string, remote: string, id: string, text: string, author: string): Promise<void> {
  const run = (input: string, ...args: string[]): string =>
    execFileSync('git', args, {
      cwd: clone,
      input,
      encoding: 'utf8',
      env: { ...GIT_ENV, GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: 'x@example.org' },
    }).trim();
  const blob = run(text, 'hash-object', '-w', '--stdin');
  const tree = run(`100644 blob ${blob}\tlock.json\n`, 'mktree');
  const commit = run('', 'commit-tree', '-m', NASTY, tree);
  run('', 'push', '--quiet', '--force', remote, `${commit}:refs/heads/holdfast/claims/${id}`);
}

describe.concurrent('hostile caches and stamps', { timeout: 240_000 }, () => {
  together('a cache, the record of a failure, and its lock', async () => {
    const directory = testDirectory();
    const server = await faultServer((_, response) => answerJson(response, { a: 1 }));
    const file = join(directory, 'cache.json');
    expect((await holdfast(directory, ['cache', 'refresh', file, '--url', server.url])).code).toBe(0);
    const [head = '', meta = '', ...rest] = readFileSync(file, 'utf8').split('\n');
    const failure = {
      schema: 2,
      id: 'i',
      sourceId: 's',
      code: 'HOLDFAST_NETWORK',
      message: 'm',
      failedAtMs: 1,
      fetch: { bootId: 'b', beganMs: 1 },
    };
    const commands = new Commands(directory);
    const looksAtCache = async (): Promise<void> => {
      for (const words of [
        ['cache', 'status', file],
        ['cache', 'get', file],
        ['cache', 'ls', directory],
      ]) {
        await commands.harmless(...words);
        await commands.harmless(...words, '--json');
      }
    };
    for (const variant of [...hostileVariants(failure), withNastyTexts(failure)]) {
      writeFileSync(`${file}.failed`, JSON.stringify(variant));
      await commands.harmless('cache', 'status', file);
      await commands.harmless('cache', 'status', file, '--json');
    }
    const parsed = JSON.parse(meta.replace(/^"meta":/, '').replace(/,$/, '')) as object;
    for (const variant of [
      ...hostileVariants(parsed, [NASTY, { toString: 1 }, 1e300, null]),
      withNastyTexts(parsed),
    ]) {
      const text = JSON.stringify(variant);
      const hash = createHash('sha256').update(text).digest('hex');
      const sealed = head.replace(/("metaSha256": ?")[0-9a-f]{64}/, `$1${hash}`);
      writeFileSync(file, [sealed, `"meta":${text},`, ...rest].join('\n'));
      await looksAtCache();
    }
    for (const text of [NASTY, `${head}\n${NASTY}\n`, head]) {
      writeFileSync(file, text);
      await looksAtCache();
    }
  });

  together('the stamp of a toolchain, and the log of a build', async () => {
    const directory = testDirectory();
    const env = provisionEnvironment(directory);
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const path = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
    const args = [path, '--dir', join(directory, 'opt', 'script')];
    expect((await holdfast(directory, ['setup', ...args], { env })).code).toBe(0);
    const commands = new Commands(directory, env);
    const version = (await commands.run('setup', 'path', ...args)).stdout.trim();
    const stamp = join(version, '.holdfast-stamp.json');
    const record = JSON.parse(readFileSync(stamp, 'utf8')) as object;
    for (const variant of [...hostileVariants(record), withNastyTexts(record)]) {
      writeFileSync(stamp, JSON.stringify(variant));
      await commands.harmless('setup', 'status', ...args);
      await commands.harmless('setup', 'status', ...args, '--json');
      await commands.harmless('setup', 'path', ...args);
    }
    const failing = join(directory, 'failing.json');
    const steps = [{ name: NASTY, run: ['sh', '-c', `printf '%s' "$1" >&2; exit 3`, 'sh', NASTY] }];
    writeFileSync(
      failing,
      JSON.stringify({ name: 'failing', source: { git: remote }, steps, artifacts: [], exports: [] }),
    );
    await commands.harmless('setup', failing, '--dir', join(directory, 'opt', 'failing'));
  });
});
