import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import { etcdCall, leaderIndex, startEtcd, type EtcdMember } from '../../support/engines.js';

const LEASE_MS = 4_000;
const ROUNDS = 20;

/** How many leases this member has ended because, by its own count, their time was up. */
async function endedBy({ clientPort }: EtcdMember): Promise<number> {
  const reply = await fetch(`http://127.0.0.1:${clientPort}/metrics`);
  const count = /^etcd_debugging_server_lease_expired_total (\S+)$/m.exec(await reply.text())?.[1];
  return Number(count);
}

/** Seconds that the lease of a key has left by the count of `member`; undefined without the key. */
async function secondsLeft({ clientPort }: EtcdMember, key: string): Promise<number | undefined> {
  const url = `etcd://127.0.0.1:${clientPort}`;
  const { kvs } = await etcdCall(url, '/v3/kv/range', { key: Buffer.from(key).toString('base64') });
  const lease = (kvs as { lease: string }[] | undefined)?.[0]?.lease;
  if (lease === undefined) return undefined;
  const { TTL } = await etcdCall(url, '/v3/lease/timetolive', { ID: lease });
  return Number(TTL);
}

/**
 * etcd-io/etcd#15247: a leader that was paused past a lease comes back, has not seen the renewals that another leader
 * answered meanwhile, and revokes the lease. Each loss is traced to it: the others had seconds left for the lease a moment
 * before, and the leader that came back has ended one since.
 */
test('INV-ETCD-5: a hold that a returned leader revokes is lost before the next in the queue believes', async () => {
  await using cluster = await startEtcd(3);
  const found = { lost: 0, traced: 0, next: 0, nextTooEarly: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const guard = await acquire(`${cluster.url}#${round}`, { leaseDurationMs: LEASE_MS, timeoutMs: 60_000 });
    let isLost = false;
    guard.lost.addEventListener('abort', () => (isLost = true));
    const abort = new AbortController();
    const waiting = acquire(`${cluster.url}/other#${round}`, {
      leaseDurationMs: LEASE_MS,
      timeoutMs: Infinity,
      signal: abort.signal,
    }).then(
      async (next) => {
        found.next++;
        if (!isLost) found.nextTooEarly++;
        await next.release();
      },
      () => undefined,
    );
    const leader = await leaderIndex(cluster.members);
    const returned = cluster.members[leader ?? 0] as EtcdMember;
    const other = cluster.members.find((member) => member !== returned) as EtcdMember;
    const endedBefore = await endedBy(returned);
    await returned.process().pause();
    await delay(1.5 * LEASE_MS);
    const leftBefore = (await secondsLeft(other, `holdfast/${round}/x/${guard.holderId}`)) ?? 0;
    const wasLost = isLost;
    returned.process().resume();
    await delay(LEASE_MS / 2);
    if (isLost) {
      found.lost++;
      if (!wasLost && leftBefore > 0 && (await endedBy(returned)) > endedBefore) found.traced++;
      await waiting;
    }
    abort.abort();
    await Promise.all([guard.release(), waiting]);
  }
  process.stderr.write(`returned leader, ${ROUNDS} rounds: ${JSON.stringify(found)}\n`);
  expect(found).toMatchObject({ traced: found.lost, next: found.lost, nextTooEarly: 0 });
});
