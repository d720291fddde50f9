import { describe, expect, test } from 'vitest';

import { acquire, lockAll, tryAcquire, type LockAllItem } from '../../src/index.js';
import { compareKeys } from '../../src/locks/placement.js';
import { threeEngines, type ThreeEngines } from '../support/three-engines.js';

const engines = threeEngines();

/** An address without its name, by the name of this host. */
const by = (engine: keyof ThreeEngines, host: string): string =>
  `${engines[engine].url.replaceAll('127.0.0.1', host)}#`;

describe.each(['redis', 'postgres', 'etcd'] as const)('one %s by two addresses', (engine) => {
  const names = (name: string): [string, string] => [
    by(engine, '127.0.0.1') + name,
    by(engine, 'localhost') + name,
  ];

  test.each([{ timeoutMs: 20_000 }, { timeoutMs: 0 }])('is one lock, with %j', async (options) => {
    const [numeric, named] = names('one');
    const mode = engine === 'redis' ? 'exclusive' : 'shared';
    const set = await lockAll([{ address: numeric, mode }, named, numeric], options);
    expect(set.guards[0]).toBe(set.guards[1]);
    expect(set.guards.map((guard) => guard.mode)).toEqual(Array(3).fill('exclusive'));
    expect(await tryAcquire(numeric, { mode })).toBeUndefined();
    await set.release();
    await (await acquire(named, { timeoutMs: 0 })).release();
  });

  test('is two locks under two names, and another program that holds one is waited for', async () => {
    const [first, second] = [names('a')[0], names('b')[1]];
    const items: LockAllItem[] = [names('a')[1], first, second];
    const holder = await acquire(names('b')[0]);
    let waits = 0;
    const waiting = lockAll(items, {
      timeoutMs: 60_000,
      onWait: ({ type }) => void (type === 'started' && waits++),
    });
    await expect.poll(() => waits, { timeout: 30_000 }).toBeGreaterThan(0);
    await holder.release();
    const set = await waiting;
    expect(new Set(set.guards).size).toBe(2);
    await set.release();
  });
});

test('the order of locks is the same however a program spells this host', () => {
  const keys = (host: string, name: string): string => `redis:redis://${host}:6379/0#${name}`;
  const hosts = ['localhost', '127.0.0.1', '[::1]'];
  for (const one of hosts)
    for (const other of hosts) expect(compareKeys(keys(one, 'a'), keys(other, 'b'))).toBe(-1);
  expect(compareKeys(keys('localhost', 'a'), keys('127.0.0.1', 'a'))).not.toBe(
    compareKeys(keys('127.0.0.1', 'a'), keys('localhost', 'a')),
  );
});
