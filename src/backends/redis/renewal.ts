import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../host/clock.js';
import type { Claim } from './claim.js';
import type { RedisConfig } from './config.js';
import { OwnConnection } from './connection.js';
import { renewalOn } from './grant.js';
import type { RedisRenewalState } from './renewal-state.js';

const connections = new Map<string, OwnConnection>();

/** Runs in the keeper's worker. All holds on one server share one connection there. */
export function openRenewal([configText, claimText]: RedisRenewalState): Renewal {
  const config = JSON.parse(configText) as RedisConfig;
  let connection = connections.get(configText);
  if (connection === undefined) {
    connection = new OwnConnection(config, systemClock);
    connections.set(configText, connection);
  }
  return renewalOn(connection, config.server, config.display, JSON.parse(claimText) as Claim);
}
