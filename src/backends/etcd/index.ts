import type { Backend } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { createEtcdBackend as create } from './backend.js';
import { etcdConfig } from './config.js';
import { Gateway } from './gateway.js';
import { Sessions } from './session.js';

export { ETCD_CAPABILITIES } from './config.js';

/** @param target the cluster's address, credentials included. */
export function createEtcdBackend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = etcdConfig(target);
  const { server, display } = config;
  const gateway = new Gateway(config, clock);
  const sessions = new Sessions(gateway, leaseClock);
  return create({ gateway, sessions, config, clock, leaseClock, server, display });
}
