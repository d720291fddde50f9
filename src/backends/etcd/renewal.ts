import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../platform/clock.js';
import type { EtcdConfig } from './config.js';
import { Gateway } from './gateway.js';
import { renewalOf, type HeldKey } from './grant.js';

const gateways = new WeakMap<EtcdConfig, Gateway>();

/** Runs in the keeper's worker. All holds on one cluster share its connections there. The configuration holds the password. */
export function openRenewal(held: HeldKey, config: EtcdConfig): Renewal {
  let gateway = gateways.get(config);
  if (gateway === undefined) {
    gateway = new Gateway(config, systemClock);
    gateways.set(config, gateway);
  }
  return renewalOf(gateway, held);
}
