import { setTimeout as delay } from 'node:timers/promises';

// @ts-expect-error -- the package has no types
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { Guard } from '../../../src/core/guard.js';
import { acquire, tryAcquire } from '../../../src/locks/acquire.js';
import type { PgPool } from '../../../src/backends/postgres/client.js';
import { createLock, targetOf } from '../../../src/locks/lock.js';
import { inspect } from '../../../src/locks/inspect.js';
import { startPostgres, type PostgresServer } from '../../support/engines.js';
import { startPgbouncer } from '../../support/pgbouncer.js';
import { connectPostgres, type TestPostgres } from '../../support/postgres-client.js';
import { until } from '../../support/ports.js';

let server: PostgresServer;
let admin: TestPostgres;

beforeAll(async () => {
  server = await startPostgres();
  admin = await connectPostgres(server.url);
});
afterAll(async () => {
  await admin.end();
  await server.stop();
});

const at = (name: string): string => `${server.url}#${name}`;
/** The same lock as another program sees it: not through this one's queue. */
const elsewhere = (name: string): string => `${server.url}?application_name=elsewhere#${name}`;

function lossOf(guard: Guard): Promise<{ reason: unknown; at: number }> {
  return new Promise((resolve) => {
    const tell = (): void => resolve({ reason: guard.lost.reason, at: performance.now() });
    guard.lost.addEventListener('abort', tell, { once: true });
  });
}

async function advisoryLocks(): Promise<number> {
  const { rows } = await admin.query("SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory'");
  return rows[0]?.['n'] as number;
}

describe('a lock on a Postgres server', () => {
  test('the first of all makes the sequence of tokens, also when eight come at once', async () => {
    await admin.query('DROP SEQUENCE IF EXISTS public.holdfast_token');
    const guards = await Promise.all(Array.from({ length: 8 }, (_, index) => acquire(at(`first ${index}`))));
    const tokens = new Set(guards.map((guard) => guard.fencingToken));
    expect(tokens.size).toBe(8);
    await Promise.all(guards.map((guard) => guard.release()));
    expect(await advisoryLocks()).toBe(0);
  });

  test('INV-POSTGRES-2: a lost sequence starts above the tokens it gave', async () => {
    let before = await acquire(at('lost sequence'));
    await before.release();
    // Often enough for the server to have the statement planned for good.
    for (let round = 0; round < 8; round++) {
      before = await acquire(at('lost sequence'));
      await before.release();
    }
    await admin.query('DROP SEQUENCE public.holdfast_token');
    await delay(20);
    const after = await acquire(at('lost sequence'));
    expect(after.fencingToken).toBeGreaterThan(before.fencingToken as bigint);
    await after.release();
  });

  test('INV-POSTGRES-3: a terminated backend is told, and the process lives on', async () => {
    const guard = await acquire(at('terminated'));
    const lost = lossOf(guard);
    await admin.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
    const { reason } = await lost;
    expect(reason).toMatchObject({ code: 'HOLDFAST_LOST', lossReason: 'session-ended' });
    expect(() => guard.assertHeld()).toThrow();
    const next = await acquire(elsewhere('terminated'));
    await guard.release();
    next.assertHeld();
    await next.release();
  });

  test('holders and waiters are seen in the order of the queue, with their reasons', async () => {
    const guard = await acquire(at("it's */ 'odd'"), { reason: "why */ not'" });
    const waiting = acquire(elsewhere("it's */ 'odd'"), { reason: 'me too' });
    await until('somebody waits', async () => (await inspect(at("it's */ 'odd'"))).waiters.length === 1);
    const seen = await inspect(at("it's */ 'odd'"));
    expect(seen.holders).toMatchObject([
      { holderId: guard.holderId, pid: process.pid, reason: "why */ not'", mode: 'exclusive' },
    ]);
    expect(seen.waiters).toMatchObject([{ reason: 'me too', pid: process.pid }]);
    const { namespace } = targetOf(at('x'));
    expect(await namespace.backend.list?.()).toContain("it's */ 'odd'");
    await guard.release();
    await (await waiting).release();
  });

  test('a session that serves one hold after the other always says whose it is now', async () => {
    for (const reason of ['first', 'second', undefined, 'first']) {
      const before = Date.now();
      const guard = await acquire(at('signed'), { ...(reason !== undefined && { reason }) });
      const [holder] = (await inspect(elsewhere('signed'))).holders;
      expect(holder?.holderId).toBe(guard.holderId);
      expect(holder?.reason).toBe(reason);
      const since = Date.parse(holder?.sinceAt ?? '');
      // Written in whole seconds.
      expect(since).toBeGreaterThan(before - 1_000);
      expect(since).toBeLessThanOrEqual(Date.now());
      await guard.release();
    }
  });

  test('an abandoned wait leaves no session behind that would take the lock', async () => {
    const guard = await acquire(at('abandoned'));
    const aborter = new AbortController();
    const waiting = acquire(elsewhere('abandoned'), { signal: aborter.signal });
    await until('somebody waits', async () => (await inspect(at('abandoned'))).waiters.length === 1);
    aborter.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
    await until('nobody waits', async () => (await inspect(at('abandoned'))).waiters.length === 0);
    await guard.release();
    await until('nothing is locked', async () => (await advisoryLocks()) === 0);
  });

  test('a break ends the hold that was named, and leaves the others of its session', async () => {
    const guard = await acquire(at('broken'));
    const beside = await acquire(at('beside'));
    const { namespace, resource } = targetOf(elsewhere('broken'));
    expect(await namespace.backend.forceRelease?.(resource, 'a'.repeat(26))).toBe(false);
    guard.assertHeld();
    const lost = lossOf(guard);
    expect(await namespace.backend.forceRelease?.(resource, guard.holderId)).toBe(true);
    expect((await lost).reason).toMatchObject({ lossReason: 'taken' });
    const next = await acquire(elsewhere('broken'));
    beside.assertHeld();
    await Promise.all([next.release(), beside.release(), guard.release()]);
  });

  test('a sequence that was made by hand is set above all tokens, and one that caches is refused', async () => {
    const first = await acquire(at('sequence'));
    await first.release();
    await admin.query('DROP SEQUENCE public.holdfast_token');
    await admin.query('CREATE SEQUENCE public.holdfast_token');
    const second = await acquire(`${server.url}?application_name=another#sequence`);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
    await second.release();
    await admin.query('ALTER SEQUENCE public.holdfast_token CACHE 50');
    await expect(acquire(`${server.url}?application_name=third#sequence`)).rejects.toMatchObject({
      code: 'HOLDFAST_CONFIG_MISMATCH',
      message: expect.stringContaining('ALTER SEQUENCE') as string,
    });
    await admin.query('ALTER SEQUENCE public.holdfast_token CACHE 1');
  });

  test('hundreds of holds share one session; two at once are granted one lock only once', async () => {
    const guards = await Promise.all(Array.from({ length: 300 }, (_, index) => acquire(at(`many ${index}`))));
    expect(new Set(guards.map((guard) => guard.fencingToken)).size).toBe(300);
    const { rows } = await admin.query(
      "SELECT count(DISTINCT pid)::int AS n FROM pg_locks WHERE locktype = 'advisory'",
    );
    expect(rows[0]?.['n']).toBe(1);
    await Promise.all(guards.map((guard) => guard.release()));
    expect(await advisoryLocks()).toBe(0);
    const tries = await Promise.all(Array.from({ length: 5 }, () => tryAcquire(at('tried at once'))));
    const held = tries.filter((guard) => guard !== undefined);
    expect(held).toHaveLength(1);
    await held[0]?.release();
  });

  test('more waiters than sessions for them all get their turn', async () => {
    const guard = await acquire(at('crowd'));
    const names = Array.from({ length: 12 }, (_, index) => `crowd ${index}`);
    const holders = await Promise.all(names.map((name) => acquire(elsewhere(name))));
    const waiting = names.map(async (name) => (await acquire(at(name), { timeoutMs: 60_000 })).release());
    await until('eight wait in the server', async () => {
      const { rows } = await admin.query(
        "SELECT count(*)::int AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted",
      );
      return rows[0]?.['n'] === 8;
    });
    await Promise.all(holders.map((holder) => holder.release()));
    await Promise.all(waiting);
    await guard.release();
  });

  test("through the caller's own pool, which stays usable", async () => {
    const { Pool } = pg as {
      Pool: new (options: object) => PgPool & { query(text: string): Promise<unknown>; end(): Promise<void> };
    };
    const pool = new Pool({ connectionString: server.url, max: 3 });
    const guard = await acquire(createLock('postgres://pool#borrowed', { client: pool }));
    expect(await tryAcquire(at('borrowed'))).toBeUndefined();
    await pool.query('SELECT 1');
    await guard.release();
    const own = await acquire(at('borrowed'));
    await own.release();
    await pool.end();
  });

  test('a server that was restarted in between is connected to again', async () => {
    const first = await acquire(at('restart'));
    await first.release();
    await server.restart();
    admin = await connectPostgres(server.url);
    const second = await acquire(at('restart'));
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
    await second.release();
  });
});

describe('behind pgbouncer', () => {
  test('a pooler of transactions is refused, with what to do', async () => {
    await using pooler = await startPgbouncer(server, 'transaction');
    await expect(acquire(`${pooler.url}#pooled`)).rejects.toMatchObject({
      code: 'HOLDFAST_UNSUPPORTED',
      message: expect.stringContaining('pooler=session') as string,
    });
    expect(await advisoryLocks()).toBe(0);
  });

  test('a pooler of transactions is refused also when the address vouches for it', async () => {
    await using pooler = await startPgbouncer(server, 'transaction');
    await expect(acquire(`${pooler.url}?pooler=session#pooled`)).rejects.toMatchObject({
      code: 'HOLDFAST_UNSUPPORTED',
    });
    expect(await advisoryLocks()).toBe(0);
  });

  test('a pooler of sessions is trusted when the address vouches for it', async () => {
    await using pooler = await startPgbouncer(server, 'session');
    await expect(acquire(`${pooler.url}#pooled`)).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
    const guard = await acquire(`${pooler.url}?pooler=session#pooled`);
    expect(await tryAcquire(at('pooled'))).toBeUndefined();
    await guard.release();
  });
});
