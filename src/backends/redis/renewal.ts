import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../platform/clock.js';
import type { Claim } from './claim.js';
import type { RedisConfig } from './config.js';
import { OwnConnection } from './connection.js';
import { renewalOn } from './grant.js';

const connections = new WeakMap<RedisConfig, OwnConnection>();

/** Runs in the keeper's worker. All holds on one server share one connection there. The configuration holds the password. */
export function openRenewal(claim: Claim, config: RedisConfig): Renewal {
  let connection = connections.get(config);
  if (connection === undefined) {
    connection = new OwnConnection(config, systemClock);
    connections.set(config, connection);
  }
  return renewalOn(connection, config.server, config.display, claim);
}
