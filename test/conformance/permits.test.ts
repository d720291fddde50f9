import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../src/locks/acquire.js';
import { inspect } from '../../src/locks/inspect.js';
import { testDirectory } from '../support/directory.js';
import { together } from '../support/finish.js';
import { until } from '../support/ports.js';
import { start } from '../support/processes.js';
import { threeEngines } from '../support/three-engines.js';
import { hangMs, machineUnit } from '../support/time.js';

const FIXTURE = fileURLToPath(new URL('./permits.mjs', import.meta.url));
const LEASE_MS = 3_000 * machineUnit;

const engines = threeEngines();

const addressOf: Readonly<Record<string, (name: string) => string>> = {
  memory: (name) => `memory:#${name}`,
  flock: (name) => join(testDirectory(), name),
  redis: (name) => `${engines.redis.url}#${name}`,
  etcd: (name) => `${engines.etcd.url}#${name}`,
  postgres: (name) => `${engines.postgres.url}#${name}`,
};
const options = (permits: number) => ({ permits, leaseDurationMs: LEASE_MS, timeoutMs: hangMs });

describe.each(Object.keys(addressOf))('permits on %s', (backend) => {
  const at = (name: string): string => (addressOf[backend] as (name: string) => string)(name);

  test('as many hold as there are permits, and one more when one is given back', async () => {
    const address = at('some');
    const holds = [await acquire(address, options(3)), await acquire(address, options(3))];
    const third = await tryAcquire(address, options(3));
    expect(third).toBeDefined();
    expect(await tryAcquire(address, options(3))).toBeUndefined();
    expect((await inspect(address)).holders).toHaveLength(3);
    const waiting = acquire(address, options(3));
    await third?.release();
    const fourth = await waiting;
    expect(await tryAcquire(address, options(3))).toBeUndefined();
    await Promise.all([...holds, fourth].map((hold) => hold.release()));
    expect((await inspect(address)).isHeld).toBe(false);
  });

  test('a wait for a permit that is given up takes none', async () => {
    const address = at('given up');
    const only = await acquire(address, options(1));
    const aborter = new AbortController();
    const waiting = acquire(address, { ...options(1), signal: aborter.signal });
    aborter.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
    await only.release();
    await (await acquire(address, options(1))).release();
  });
});

const betweenProcesses = Object.keys(addressOf).filter((backend) => backend !== 'memory');

describe.concurrent.each(betweenProcesses)('permits on %s between processes', (backend) => {
  const at = (name: string): string => (addressOf[backend] as (name: string) => string)(name);

  together('never more holders than permits between processes', async () => {
    const address = at('many');
    const runs = Array.from({ length: 4 }, () =>
      promisify(execFile)(process.execPath, [FIXTURE, address, '2', '8', '10', String(LEASE_MS * 2)]),
    );
    const holds = (await Promise.all(runs)).flatMap(({ stdout }) =>
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { from: number; to: number }),
    );
    expect(holds).toHaveLength(32);
    const most = Math.max(
      ...holds.map(({ from }) => holds.filter((hold) => hold.from <= from && from < hold.to).length),
    );
    expect(most).toBeLessThanOrEqual(2);
  });

  together("a killed holder's permit comes back", async () => {
    const address = at('killed');
    const child = start(process.execPath, [FIXTURE, address, '1', '0', '0', String(LEASE_MS)]);
    await child.line(/^held$/);
    expect(await tryAcquire(address, options(1))).toBeUndefined();
    child.process.kill('SIGKILL');
    const next = await acquire(address, options(1));
    await next.release();
  });
});

describe('who waits for a permit', () => {
  test.each(['etcd', 'postgres'])('is served in order on %s', async (backend) => {
    const address = (addressOf[backend] as (name: string) => string)('order');
    const only = await acquire(address, options(1));
    // A program of its own each, so that it is the engine that queues.
    const order: number[] = [];
    const all: Promise<unknown>[] = [];
    for (const index of [0, 1, 2]) {
      const child = start(process.execPath, [FIXTURE, address, '1', '1', '0', String(LEASE_MS)]);
      all.push(child.line(/^\{"from"/).then(() => order.push(index)));
      await until('it waits', async () => (await inspect(address)).waiters.length === index + 1);
    }
    await only.release();
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2]);
  });

  test('another number of permits than the others have is refused where it can be seen', async () => {
    for (const address of [addressOf['redis']?.('number'), addressOf['etcd']?.('number')]) {
      const hold = await acquire(address as string, options(2));
      await expect(
        // Another spelling of the server is another session: the limit is read from the server.
        tryAcquire((address as string).replace('127.0.0.1', 'localhost'), options(3)),
      ).rejects.toMatchObject({
        code: 'HOLDFAST_CONFIG_MISMATCH',
      });
      await hold.release();
    }
  });

  test('Postgres locks one permit and not all that it looks at', async () => {
    const { connectPostgres } = await import('../support/postgres-client.js');
    const admin = await connectPostgres(engines.postgres.url);
    const hold = await acquire(`${engines.postgres.url}#one of many`, options(50));
    const { rows } = await admin.query("SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'");
    expect(rows[0]?.['n']).toBe(1);
    await hold.release();
    await admin.end();
  });
});
