import type { Backend } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import type { LeaseClock } from '../../core/lease.js';
import { createPostgresBackend as create } from './backend.js';
import { ownClients, pooledClients, type OpenSession, type PgPool } from './client.js';
import { postgresConfig } from './config.js';
import { Sessions } from './sessions.js';

export type { PgClient, PgPool } from './client.js';
export { POSTGRES_CAPABILITIES } from './config.js';

/** @param target the server's URL, credentials included. */
export function createPostgresBackend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = postgresConfig(target);
  return backend(
    ownClients(config),
    config.server,
    config.display,
    config.isSessionPooler,
    clock,
    leaseClock,
  );
}

/** Works through the caller's own pool: each hold keeps one of its clients until it is released. */
export function createPooledPostgresBackend(
  pool: PgPool,
  display: string,
  clock: Clock,
  leaseClock: LeaseClock,
): Backend {
  return backend(pooledClients(pool), display, display, false, clock, leaseClock);
}

function backend(
  open: OpenSession,
  server: string,
  display: string,
  isSessionPooler: boolean,
  clock: Clock,
  leaseClock: LeaseClock,
): Backend {
  const sessions = new Sessions({ open, clock, leaseClock, display, isSessionPooler });
  return create({ sessions, clock, leaseClock, server, display });
}
