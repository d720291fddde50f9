import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire } from '../../src/locks/acquire.js';
import type { WaitEvent } from '../../src/core/events.js';
import { until } from '../support/ports.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { threeEngines } from '../support/three-engines.js';
import { machineUnit } from '../support/time.js';

const engines = threeEngines();
/** Long enough for a holder to be there after any outage of these tests. */
const LEASE = { leaseDurationMs: 120_000 * machineUnit } as const;
let proxies: Readonly<
  Record<string, { readonly url: string; readonly proxy: TcpProxy; readonly direct: string }>
>;

beforeAll(async () => {
  const servers = {
    redis: [engines.redis.url, engines.redis.port],
    etcd: [engines.etcd.url, engines.etcd.members[0]?.clientPort as number],
    postgres: [engines.postgres.url, engines.postgres.port],
  } as const;
  const entries = Object.entries(servers).map(async ([engine, [direct, port]]) => {
    const proxy = await startTcpProxy(port);
    return [engine, { url: direct.replace(`:${port}`, `:${proxy.port}`), proxy, direct }] as const;
  });
  proxies = Object.fromEntries(await Promise.all(entries));
});
afterAll(() => Promise.all(Object.values(proxies).map(({ proxy }) => proxy.close())));

describe.each(['redis', 'etcd', 'postgres'])('a wait on %s whose server goes away', (engine) => {
  /** A holder, and a wait that has been answered, over a way that can be cut. */
  async function waiting(name: string, timeoutMs: number) {
    const { url, proxy, direct } = proxies[engine] as (typeof proxies)[string];
    const holder = await acquire(`${direct}#${name}`, LEASE);
    const events: WaitEvent[] = [];
    const onWait = (event: WaitEvent): void => void events.push(event);
    const outcome = acquire(`${url}#${name}`, { ...LEASE, timeoutMs, onWait }).then(
      (guard) => guard,
      (error: unknown) => error as { code: string; message: string },
    );
    await until('it waits', () => events.length > 0);
    const isAway = (): boolean => events.at(-1)?.outage !== undefined;
    return { holder, outcome, proxy, isAway };
  }

  test('goes on when the server is back', async () => {
    const { holder, outcome, proxy, isAway } = await waiting('back', Infinity);
    // A wait in the server's own queue needs no answer; it notices a connection that ends.
    if (engine === 'postgres') proxy.reset();
    proxy.cut();
    await until('the outage is reported', isAway);
    proxy.heal();
    await until('it is over', () => !isAway());
    await holder.release();
    const guard = await outcome;
    expect(guard).toHaveProperty('release');
    if ('release' in guard) await guard.release();
  });

  // Last: the way is not there any more.
  test('ends at its deadline as what it is, and not as a timeout', async () => {
    const { holder, outcome, proxy } = await waiting('away', 1_500 * machineUnit);
    await proxy.close();
    const { code } = (await outcome) as { code: string };
    // The second where a claim stood in the queue of the server.
    expect(['HOLDFAST_BACKEND_UNAVAILABLE', 'HOLDFAST_UNCONFIRMED']).toContain(code);
    await holder.release();
  });
});
