import { expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import { inspect } from '../../../src/locks/inspect.js';
import { leaderIndex, startEtcd } from '../../support/engines.js';
import { until } from '../../support/ports.js';

test('INV-ETCD-1: with its leader stopped, waiters keep their order and nobody is granted twice', async () => {
  await using cluster = await startEtcd(3);
  const at = (program: string): string => `${cluster.url}/${program}#leader`;
  const guard = await acquire(at('holder'), { leaseDurationMs: 10_000 });
  let isHeld = true;
  const order: number[] = [];
  const overlaps: number[] = [];
  const all: Promise<void>[] = [];
  for (const index of [0, 1, 2]) {
    const waiting = acquire(at(`program-${index}`), { leaseDurationMs: 10_000, timeoutMs: 60_000 }).then(
      async (own) => {
        if (isHeld) overlaps.push(index);
        isHeld = true;
        order.push(index);
        isHeld = false;
        await own.release();
      },
    );
    all.push(waiting);
    await until('it waits', async () => (await inspect(at('eye'))).waiters.length === index + 1);
  }
  const leader = await leaderIndex(cluster.members);
  const stopped = cluster.members[leader as number]?.process();
  await stopped?.pause();
  await until('there is another leader', async () => {
    const next = await leaderIndex(cluster.members.filter((_, index) => index !== leader));
    return next !== undefined;
  });
  guard.assertHeld();
  isHeld = false;
  await guard.release();
  await Promise.all(all);
  expect(order).toEqual([0, 1, 2]);
  expect(overlaps).toEqual([]);
  stopped?.resume();
});
