import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../platform/clock.js';
import { EtcdClient } from './client.js';
import type { EtcdConfig } from './config.js';
import type { HeldKey } from './grant.js';
import { HeldKeys } from './held.js';

const kept = new WeakMap<EtcdConfig, HeldKeys>();

/** Runs in the keeper's worker. All holds on one cluster share its connection there. The configuration holds the password. */
export function openRenewal(held: HeldKey, config: EtcdConfig): Renewal {
  let keys = kept.get(config);
  if (keys === undefined) {
    keys = new HeldKeys(new EtcdClient(config, systemClock));
    kept.set(config, keys);
  }
  return keys.renewalOf(held);
}
