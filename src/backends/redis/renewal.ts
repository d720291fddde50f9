import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../host/clock.js';
import type { Claim } from './claim.js';
import type { RedisConfig } from './config.js';
import { OwnConnection } from './connection.js';
import { renewalOn } from './grant.js';

/** Structured-cloneable. Holds the server's password: it stays inside the process. */
export interface RedisRenewalState {
  readonly config: RedisConfig;
  readonly claim: Claim;
}

const connections = new Map<string, OwnConnection>();

/** Runs in the keeper's worker. All holds on one server share one connection there. */
export function openRenewal(state: RedisRenewalState): Renewal {
  const { config, claim } = state;
  const key = JSON.stringify(config);
  let connection = connections.get(key);
  if (connection === undefined) {
    connection = new OwnConnection(config, systemClock);
    connections.set(key, connection);
  }
  return renewalOn(connection, config.server, config.display, claim);
}
