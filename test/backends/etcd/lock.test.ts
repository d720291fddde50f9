import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import { inspect } from '../../../src/locks/inspect.js';
import { targetOf } from '../../../src/locks/lock.js';
import { etcdCall, startEtcd, type EtcdCluster } from '../../support/engines.js';
import { until } from '../../support/ports.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { hangMs, machineUnit } from '../../support/time.js';

let cluster: EtcdCluster;

beforeAll(async () => {
  cluster = await startEtcd();
});
afterAll(() => cluster.stop());

const at = (name: string): string => `${cluster.url}#${name}`;
/** The same lock as another program sees it: a queue and a session of its own. */
const elsewhere = (name: string, program = 'other'): string => `${cluster.url}/${program}#${name}`;

const waiters = async (name: string): Promise<number> => (await inspect(at(name))).waiters.length;

async function keysUnder(prefix: string): Promise<string[]> {
  const key = Buffer.from(prefix).toString('base64');
  const range_end = Buffer.from(`${prefix.slice(0, -1)}0`).toString('base64');
  const { kvs = [] } = (await etcdCall(cluster.url, '/v3/kv/range', { key, range_end })) as {
    kvs?: { key: string }[];
  };
  return kvs.map((kv) => Buffer.from(kv.key, 'base64').toString());
}

describe('a lock on an etcd cluster', () => {
  test('is one key of the session, whose creation is the token; names stay apart', async () => {
    const guard = await acquire(at('a/b %'));
    expect(await keysUnder('holdfast/a%2Fb%20%25/')).toEqual([`holdfast/a%2Fb%20%25/x/${guard.holderId}`]);
    const other = await acquire(at('a'));
    expect(other.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
    await other.release();
    await guard.release();
    expect(await keysUnder('holdfast/a%2Fb%20%25/')).toEqual([]);
  });

  test('INV-ETCD-2: waiters are served in the order of their keys, and only the next one wakes', async () => {
    const guard = await acquire(at('queue'));
    const order: number[] = [];
    const all: Promise<void>[] = [];
    for (const index of [0, 1, 2, 3]) {
      const waiting = acquire(elsewhere('queue', `program-${index}`)).then(async (own) => {
        order.push(index);
        await own.release();
      });
      all.push(waiting);
      await until(`${index + 1} wait`, async () => (await waiters('queue')) === index + 1);
    }
    await guard.release();
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3]);
  });

  test('INV-ETCD-2: readers share, a writer behind them waits, a reader behind the writer too', async () => {
    const readers = await Promise.all([
      acquire(at('shared'), { mode: 'shared' }),
      acquire(elsewhere('shared'), { mode: 'shared' }),
    ]);
    const order: string[] = [];
    const writer = acquire(elsewhere('shared', 'writer')).then(async (own) => {
      order.push('writer');
      await own.release();
    });
    await until('the writer waits', async () => (await waiters('shared')) === 1);
    const late = acquire(elsewhere('shared', 'late'), { mode: 'shared' }).then(async (own) => {
      order.push('late reader');
      await own.release();
    });
    await until('both wait', async () => (await waiters('shared')) === 2);
    await Promise.all(readers.map((reader) => reader.release()));
    await Promise.all([writer, late]);
    expect(order).toEqual(['writer', 'late reader']);
  });

  test('a compaction during a watch is survived', async () => {
    const guard = await acquire(at('compacted'));
    const waiting = acquire(elsewhere('compacted'));
    await until('somebody waits', async () => (await waiters('compacted')) === 1);
    const { header } = (await etcdCall(cluster.url, '/v3/kv/put', { key: 'eA==', value: 'eQ==' })) as {
      header: { revision: string };
    };
    await etcdCall(cluster.url, '/v3/kv/compaction', { revision: header.revision, physical: true });
    await guard.release();
    await (await waiting).release();
  });

  test('INV-ETCD-4: a waiter whose session ended queues again, behind those who came meanwhile', async () => {
    const guard = await acquire(at('expired'), { leaseDurationMs: 30_000 });
    const proxy = await startTcpProxy(cluster.members[0]?.clientPort as number);
    const throughProxy = `etcd://127.0.0.1:${proxy.port}#expired`;
    const order: string[] = [];
    const cut = acquire(throughProxy, { leaseDurationMs: 1_000, timeoutMs: hangMs }).then(
      async (own) => {
        order.push('cut');
        await own.release();
      },
      (error: { code?: string }) => order.push(String(error.code)),
    );
    await until('the first waits', async () => (await waiters('expired')) === 1);
    proxy.cut();
    await until('its key is gone', async () => (await waiters('expired')) === 0);
    const late = acquire(elsewhere('expired'), { timeoutMs: hangMs }).then(async (own) => {
      order.push('late');
      await own.release();
    });
    await until('the second waits', async () => (await waiters('expired')) === 1);
    proxy.heal();
    await until(
      'both wait, or the first gave up',
      async () => (await waiters('expired')) === 2 || order.length > 0,
    );
    await guard.release();
    await Promise.all([cut, late]);
    expect(order.at(-1) === 'cut' || order[0] === 'HOLDFAST_BACKEND_UNAVAILABLE').toBe(true);
    expect(order).toContain('late');
    await proxy.close();
  });

  test('INV-ETCD-3: a put that is carried out after it was given up puts nothing', async () => {
    const { buryClaim, claimOf, enqueue } = await import('../../../src/backends/etcd/claim.js');
    const { EtcdClient } = await import('../../../src/backends/etcd/client.js');
    const { etcdConfig } = await import('../../../src/backends/etcd/config.js');
    const { grantSession } = await import('../../../src/backends/etcd/session.js');
    const { systemClock } = await import('../../../src/platform/clock.js');
    const client = new EtcdClient(etcdConfig(cluster.url), systemClock);
    const session = await grantSession(client, systemClock, 5_000, 5_000);
    const holderId = 'b'.repeat(26);
    const claim = claimOf(
      { ...request('late put'), holderId, leaseDurationMs: 5_000 } as Parameters<typeof claimOf>[0],
      '{}',
    );
    await buryClaim(client, claim, session, 5_000);
    expect(await enqueue(client, claim, session, 5_000)).toEqual({ kind: 'absent' });
    expect(await waiters('late put')).toBe(0);
    expect((await inspect(at('late put'))).isHeld).toBe(false);
    client.close();
  });
});

const request = (resource: string) => ({
  resource,
  mode: 'exclusive',
  reason: undefined,
  fencing: false,
  record: true,
  coversChild: false,
  isYielding: false,
});

describe('breaking a lock', () => {
  test('leaves its key in the way until the holder cannot believe any more, and tells the holder', async () => {
    const guard = await acquire(at('broken'), { leaseDurationMs: 2_000 * machineUnit });
    const lost = new Promise<unknown>((resolve) => {
      guard.lost.addEventListener('abort', () => resolve(guard.lost.reason), { once: true });
    });
    const { namespace, resource } = targetOf(elsewhere('broken'));
    expect(await namespace.backend.forceRelease?.(resource, 'a'.repeat(26))).toBe(false);
    expect(await namespace.backend.forceRelease?.(resource, guard.holderId)).toBe(true);
    expect(await tryAcquire(elsewhere('broken'))).toBeUndefined();
    expect((await inspect(at('broken'))).holders[0]?.note).toMatch(/broken by force/);
    expect(await lost).toMatchObject({ lossReason: 'taken' });
    const next = await acquire(elsewhere('broken'));
    expect(next.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
    expect(await namespace.backend.list?.()).toContain('broken');
    await next.release();
  });
});
