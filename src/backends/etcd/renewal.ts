import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../host/clock.js';
import type { EtcdConfig } from './config.js';
import { Gateway } from './gateway.js';
import { renewalOf, type HeldKey } from './grant.js';

/** Structured-cloneable. Holds the cluster's password: it stays inside the process. */
export interface EtcdRenewalState {
  readonly config: EtcdConfig;
  readonly held: HeldKey;
}

const gateways = new Map<string, Gateway>();

/** Runs in the keeper's worker. All holds on one cluster share its connections there. */
export function openRenewal({ config, held }: EtcdRenewalState): Renewal {
  const key = JSON.stringify(config);
  let gateway = gateways.get(key);
  if (gateway === undefined) {
    gateway = new Gateway(config, systemClock);
    gateways.set(key, gateway);
  }
  return renewalOf(gateway, held);
}
