import type { Backend } from '../../core/backend.js';
import type { LeaseClock } from '../../core/lease.js';
import { Deadlines, type Clock } from '../../core/time.js';
import { createPostgresBackend as create } from './backend.js';
import { ownClients, pooledClients, type PgPool } from './client.js';
import { postgresConfig } from './config.js';
import { Exchange } from './exchange.js';
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
  return create({ sessions, exchange: new Exchange(sessions, clock), clock, server, display });
}

/** Works through the caller's own pool: holds share one of its clients, and each wait takes one more. */
export function createPooledPostgresBackend(
  pool: PgPool,
  display: string,
  clock: Clock,
  leaseClock: LeaseClock,
): Backend {
  const open = pooledClients(pool, clock, display);
  const deadlines = new Deadlines(clock);
  const sessions = new Sessions({ open, clock, deadlines, leaseClock, display, isSessionPooler: false }, 0);
  return create({ sessions, exchange: new Exchange(sessions, clock), clock, server: display, display });
}
