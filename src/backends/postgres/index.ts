import type { Backend } from '../../core/backend.js';
import { type Clock, Deadlines } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { createPostgresBackend as create } from './backend.js';
import { ownClients, pooledClients, type PgPool } from './client.js';
import { postgresConfig } from './config.js';
import { Sessions } from './sessions.js';

export type { PgClient, PgPool } from './client.js';
export { POSTGRES_CAPABILITIES } from './config.js';

/** @param target the server's URL, credentials included. */
export function createPostgresBackend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = postgresConfig(target);
  const { server, display, isSessionPooler } = config;
  const deadlines = new Deadlines(clock);
  const open = ownClients(config);
  const sessions = new Sessions({ open, clock, deadlines, leaseClock, display, isSessionPooler });
  return create({ sessions, clock, deadlines, leaseClock, server, display });
}

/** Works through the caller's own pool: each hold keeps one of its clients until it is released. */
export function createPooledPostgresBackend(
  pool: PgPool,
  display: string,
  clock: Clock,
  leaseClock: LeaseClock,
): Backend {
  const open = pooledClients(pool);
  const deadlines = new Deadlines(clock);
  const shared = { clock, deadlines, leaseClock, display };
  const sessions = new Sessions({ ...shared, open, isSessionPooler: false }, 0);
  return create({ ...shared, sessions, server: display });
}
