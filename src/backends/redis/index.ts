import type { Backend } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { createRedisBackend as create } from './backend.js';
import type { RedisClient } from './client.js';
import { redisConfig } from './config.js';
import { borrowedConnection, OwnConnection } from './connection.js';
import { HeldClaims } from './held.js';

export type { RedisClient } from './client.js';
export { REDIS_CAPABILITIES } from './config.js';

/** @param target the server's URL, credentials included. */
export function createRedisBackend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = redisConfig(target);
  const { server, display } = config;
  const connection = new OwnConnection(config, clock);
  return create({ connection, server, display, clock, leaseClock, renewals: config });
}

/** Works through the caller's own client, which renews on the event loop: a loop that is stuck loses the lock. */
export function createBorrowedRedisBackend(
  client: RedisClient,
  display: string,
  clock: Clock,
  leaseClock: LeaseClock,
): Backend {
  const connection = borrowedConnection(client, clock, display);
  const renewals = new HeldClaims(clock, connection);
  return create({ connection, server: display, display, clock, leaseClock, renewals });
}
