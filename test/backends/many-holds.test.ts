import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

import { expect } from 'vitest';

import { acquire } from '../../src/locks/acquire.js';
import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { together } from '../support/finish.js';
import { machineUnit } from '../support/time.js';

const COUNT = 300;
const LEASE_MS = 3_000 * machineUnit;
const ESTABLISHED = '01';

/** Connections of this machine to a port on loopback: the lines of the table in which it is the remote one. */
function connectionsTo(port: number): number {
  const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => words[2] === remote && words[3] === ESTABLISHED).length;
}

/** Two for those whose leases a thread renews. */
for (const [name, start, connections] of [
  ['redis', startRedis, 2],
  ['postgres', startPostgres, 1],
  ['etcd', startEtcd, 2],
] as const) {
  together(`${name}: ${COUNT} locks taken at once share their connections, and none is lost`, async () => {
    await using server = await start();
    const port = Number(/:(\d+)(?:\/|$)/.exec(server.url)?.[1]);
    // The test's own, which looked whether it is up.
    const others = connectionsTo(port);
    const take = (index: number) => acquire(`${server.url}#many ${index}`, { leaseDurationMs: LEASE_MS });
    const guards = await Promise.all(Array.from({ length: COUNT }, (_, index) => take(index)));
    expect(connectionsTo(port)).toBeLessThanOrEqual(others + connections);
    // Longer than their leases: they were renewed.
    await delay(1.2 * LEASE_MS);
    for (const guard of guards) guard.assertHeld();
    expect(connectionsTo(port)).toBeLessThanOrEqual(others + connections);
    await Promise.all(guards.map((guard) => guard.release()));
  });
}
