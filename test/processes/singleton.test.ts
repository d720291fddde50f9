import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, createLock, singleton, withLock } from '../../dist/index.js';
import { testBucket } from '../support/bucket.js';
import { testDirectory } from '../support/directory.js';
import { dataOf, holdfast } from '../support/holdfast.js';
import { start } from '../support/processes.js';
import { threeEngines } from '../support/three-engines.js';
import { killInstances, startInstance } from './singleton.js';

const engines = threeEngines();

/** What an instance publishes, with everything that JSON can hold. */
const INFO = { url: 'http://localhost:5173', ports: [5173, 24678], log: '/tmp/ö "x".log', hot: true };

describe('a second instance', () => {
  const finds = async (address: string, directory = testDirectory()): Promise<void> => {
    const { guard, running } = await singleton(address, { info: INFO });
    expect(running).toBeUndefined();

    // Another call of this process, and another process.
    expect((await singleton(address)).running).toMatchObject({ pid: process.pid, info: INFO });
    const { stdout } = await holdfast(directory, ['ls', '--json', address]);
    const [lock] = dataOf<{ locks: { isHeld: boolean; holders: object[] }[] }>(stdout).locks;
    expect(lock).toMatchObject({ isHeld: true, holders: [{ pid: process.pid, info: INFO }] });

    await guard?.release();
    const next = await singleton(address, { info: 'next' });
    expect(next.guard).toBeDefined();
    await next.guard?.release();
  };

  test('finds the first: a path', () => finds(join(testDirectory(), 'dev.lock')));
  test('finds the first: a lease', () => finds(`lease:${join(testDirectory(), 'dev.lease')}`));
  test('finds the first: redis', () => finds(`${engines.redis.url}#dev`));
  test('finds the first: etcd', () => finds(`${engines.etcd.url}#dev`));
  test('finds the first: postgres', () => finds(`${engines.postgres.url}#dev`));
});

test('a second instance finds the first: s3', async () => {
  const bucket = await testBucket();
  const { guard } = await singleton(bucket.at('dev'), { info: INFO });
  expect((await singleton(bucket.elsewhere('dev'))).running).toMatchObject({ pid: process.pid, info: INFO });
  await guard?.release();
});

test('memory: the only one of a process', async () => {
  const { guard } = await singleton('memory:#dev', { info: INFO });
  expect((await singleton('memory:#dev')).running).toMatchObject({ info: INFO });
  await guard?.release();
});

test('holdfast ls --json finds all instances below a directory and on a server', async () => {
  const directory = testDirectory();
  const server = await singleton(join(directory, 'dev.lock'), { info: { port: 1 } });
  const builder = await singleton(`lease:${join(directory, 'watch')}`, { info: { port: 2 } });
  const far = await singleton(`${engines.redis.url}#far`, { info: { port: 3 } });

  const { stdout } = await holdfast(directory, ['ls', '--json', '.', engines.redis.url]);

  const { locks } = dataOf<{ locks: { holders: { info?: { port: number } }[] }[] }>(stdout);
  const ports = locks.flatMap(({ holders }) => holders.map(({ info }) => info?.port));
  expect(ports.toSorted()).toEqual([1, 2, 3]);
  for (const { guard } of [server, builder, far]) await guard?.release();
});

describe('an instance that was killed is never returned', () => {
  test('20 of them, one after the other, on a path', async () => {
    expect((await killInstances(join(testDirectory(), 'dev.lock'), 20)).stale).toEqual([]);
  });

  test('of a lease, at once on its host', async () => {
    expect((await killInstances(`lease:${join(testDirectory(), 'dev')}`, 3)).stale).toEqual([]);
  });

  test.each(['redis', 'etcd', 'postgres'] as const)('%s', async (name) => {
    expect((await killInstances(`${engines[name].url}#killed`, 1, 1_000)).stale).toEqual([]);
  });
});

test('a dead record of another host is not believed: only a renewal vouches for it', async () => {
  const path = join(testDirectory(), 'share');
  const address = `lease:${path}`;
  await (await acquire(address)).release();
  // The state of a host that died, as a share would show it: no record, so nothing here can prove the death.
  const state = spawnSync('ls', [path], { encoding: 'utf8' }).stdout.trim();
  const [, generation] = /^s\.(\d+)\.free$/m.exec(state) ?? [];
  const next = String(BigInt(generation ?? 0) + 1n).padStart(16, '0');
  const held = `s.${next}.0000001000.${'a'.repeat(26)}.00000000`;
  spawnSync('mv', [join(path, `s.${generation}.free`), join(path, held)]);

  const { running, guard } = await singleton(address, { timeoutMs: 60_000 });

  expect(running).toBeUndefined();
  expect(guard).toBeDefined();
  await guard?.release();
});

test('a live instance whose process cannot be seen is returned after its next renewal', async () => {
  const directory = testDirectory();
  const address = `lease:${join(directory, 'share')}`;
  const namespace = ['--pid', '--fork', '--kill-child', '--mount-proc'];
  const driver = new URL('singleton-driver.mjs', import.meta.url).pathname;
  const args = [process.execPath, driver, address, '{"on":"elsewhere"}', '1500'];
  const instance = start('unshare', [...namespace, ...args]);
  await instance.line(/^only$/);

  const { running } = await singleton(address);

  expect(running).toMatchObject({ info: { on: 'elsewhere' } });
});

test('a holder that knows nothing of holdfast is an instance without info', async () => {
  const path = join(testDirectory(), 'dev.lock');
  const foreign = start('flock', [path, 'sh', '-c', 'echo held; sleep 60']);
  await foreign.line(/^held$/);

  const { running } = await singleton(path, { info: INFO });

  expect(running?.info).toBeUndefined();
  expect(running?.pid).toBeGreaterThan(0);
});

test('the next of the same name never shows what the one before published', async () => {
  const path = join(testDirectory(), 'dev.lock');
  const { guard } = await singleton(path, { info: 'before' });
  await guard?.release();

  await withLock(path, async () => {
    expect((await singleton(path)).running?.info).toBeUndefined();
  });
  const instance = await startInstance(path, 'after');
  expect((await singleton(path)).running).toMatchObject({ pid: instance.pid, info: 'after' });
  await instance.kill();
});

describe('refuses', () => {
  test('git, whose holds outlive their process', async () => {
    await expect(singleton('git:origin#dev')).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
  });

  test('info that others could not read: a directory, a file of others', async () => {
    const directory = testDirectory();
    const foreign = join(directory, 'package.json');
    writeFileSync(foreign, '{}');
    mkdirSync(join(directory, 'd'));
    for (const path of [foreign, join(directory, 'd')]) {
      await expect(singleton(path, { info: INFO })).rejects.toThrow(/Could not publish the info/);
      const { guard } = await singleton(path);
      expect(guard).toBeDefined();
      await guard?.release();
    }
  });

  test('what makes no sense of one instance', async () => {
    const path = join(testDirectory(), 'dev.lock');
    for (const options of [{ permits: 2 }, { mode: 'shared' }, { onWait: () => undefined }, { inf: 1 }])
      await expect(singleton(path, options as object)).rejects.toThrow(/There is no option/);
    await expect(singleton(path, { info: 'x'.repeat(2_000) })).rejects.toThrow(/info must be/);
    await expect(singleton(createLock(path, { mode: 'shared' }))).rejects.toThrow(TypeError);
  });
});

test('a lease that nothing vouches for ends in a timeout that names its holder, or in an abort', async () => {
  const address = `${engines.redis.url}#dying`;
  const instance = await startInstance(address, INFO, 30_000);
  await instance.kill();

  await expect(singleton(address, { timeoutMs: 0 })).rejects.toMatchObject({ code: 'HOLDFAST_CONTENDED' });
  const timedOut = singleton(address, { timeoutMs: 100 });
  await expect(timedOut).rejects.toMatchObject({
    code: 'HOLDFAST_TIMEOUT',
    holders: [{ pid: instance.pid, isAlive: false }],
  });
  const signal = AbortSignal.timeout(100);
  await expect(singleton(address, { signal })).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
});
