import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { acquire, cronCoordinator, oncePerTick } from '../../dist/index.js';
import { testDirectory } from '../support/directory.js';
import { threeEngines } from '../support/three-engines.js';
import { runTicks } from './ticks.js';

const engines = threeEngines();

const ADDRESSES: Readonly<Record<string, () => string>> = {
  flock: () => join(testDirectory(), 'job.lock'),
  lease: () => `lease:${join(testDirectory(), 'job')}`,
  redis: () => `${engines.redis.url}#job ${performance.now()}`,
  etcd: () => `${engines.etcd.url}#job ${performance.now()}`,
};

describe.each(Object.entries(ADDRESSES))('TICK-1: %s', (name, addressOf) => {
  test('many processes with clocks that differ run each tick once', async () => {
    const size = { processes: 4, count: name === 'lease' ? 10 : 25 };
    const { runs, skipped, calls } = await runTicks(addressOf(), testDirectory(), size);

    expect(runs).toEqual(Array(size.count).fill(1));
    expect(skipped).toBe(calls - size.count);
  });
});

test('TICK-1 finds the mutant that looks and writes without holding the lock', async () => {
  const size = { processes: 4, count: 10, mutant: true };
  const { runs } = await runTicks(join(testDirectory(), 'job.lock'), testDirectory(), size);
  expect(runs.filter((count) => count > 1)).not.toEqual([]);
});

describe.each(Object.entries({ ...ADDRESSES, memory: () => `memory:#job ${performance.now()}` }))(
  '%s',
  (_, addressOf) => {
    test('a tick that is not above the last is skipped; a token and a hold leave it alone', async () => {
      const address = addressOf();
      const ran: number[] = [];
      const run = (tick: number) => oncePerTick(address, tick, () => ran.push(tick));

      expect(await run(0)).toEqual({ hasRun: true, value: 1 });
      expect(await run(0)).toEqual({ hasRun: false, lastTick: 0 });
      const first = await acquire(address, { fencing: true });
      await first.release();
      expect(await run(7)).toMatchObject({ hasRun: true });
      expect(await run(3)).toEqual({ hasRun: false, lastTick: 7 });
      const second = await acquire(address, { fencing: true });
      await second.release();
      expect(second.fencingToken ?? 0n).toBeGreaterThan(first.fencingToken ?? 0n);
      expect(await run(Number.MAX_SAFE_INTEGER)).toMatchObject({ hasRun: true });
      expect(await run(Number.MAX_SAFE_INTEGER)).toEqual({
        hasRun: false,
        lastTick: Number.MAX_SAFE_INTEGER,
      });
      expect(ran).toEqual([0, 7, Number.MAX_SAFE_INTEGER]);
    });

    test('a tick whose work fails has run', async () => {
      const address = addressOf();
      const failing = oncePerTick(address, 1, () => {
        throw new Error('on purpose');
      });
      await expect(failing).rejects.toThrow('on purpose');
      expect(await oncePerTick(address, 1, () => 'again')).toEqual({ hasRun: false, lastTick: 1 });
      expect(await oncePerTick(address, 2, () => 'next')).toMatchObject({ value: 'next' });
    });
  },
);

test('two ticks do not overlap: the later waits for the end of the earlier', async () => {
  const address = join(testDirectory(), 'job.lock');
  const order: string[] = [];
  let end = (): void => undefined;
  const first = oncePerTick(address, 1, () => new Promise<void>((resolve) => (end = resolve)));
  const second = oncePerTick(address, 2, { onWait: () => end() }, () => order.push('second'));
  void first.then(() => order.push('first'));
  await second;
  expect(order).toEqual(['first', 'second']);
});

describe('refuses', () => {
  test.each(['postgres', 'git', 's3'])('%s', async (name) => {
    const addresses: Readonly<Record<string, string>> = {
      postgres: `${engines.postgres.url}#job`,
      git: 'git:origin#job',
      s3: 's3://bucket/x#job',
    };
    const refused = oncePerTick(addresses[name] ?? '', 1, () => undefined);
    await expect(refused).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
  });

  test('what is no tick', async () => {
    for (const tick of [-1, 0.5, Number.NaN, 2 ** 53, '1', undefined])
      await expect(oncePerTick('memory:#x', tick as number, () => undefined)).rejects.toThrow(RangeError);
  });
});

test('cronCoordinator elects one process per scheduled time of a task', async () => {
  const directory = testDirectory();
  for (const place of [directory, engines.redis.url]) {
    const [one, two] = [cronCoordinator(place), cronCoordinator(place)];
    const ask = (key: string) => Promise.all([one.shouldRun(key), two.shouldRun(key)]);
    for (const key of [
      'a b:2026-11-30T21:00:00.000Z',
      'a b:2026-11-30T21:00:01.000Z',
      'c/d:2026-11-30T21:00:00.000Z',
    ])
      expect((await ask(key)).toSorted()).toEqual([false, true]);
    expect(await ask('a b:2026-11-30T21:00:00.000Z')).toEqual([false, false]);
    await expect(one.shouldRun('no time')).rejects.toThrow(/names no run/);
  }
  expect(readdirSync(directory).filter((name) => name.endsWith('.lock'))).toHaveLength(2);
  expect(readFileSync(join(directory, 'cron.c%2Fd.lock.token'), 'utf8')).toMatch(
    /^\d+\ntick 1796072400000\n$/,
  );
  for (const place of ['', 'git:origin', 'redis://h#x'])
    expect(() => cronCoordinator(place)).toThrow(/Runs cannot be coordinated/);
});
