import type { Backend } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { LeaseClock } from '../../core/lease.js';
import { createEtcdBackend as create } from './backend.js';
import { etcdConfig } from './config.js';
import { EtcdClient } from './client.js';
import { Sessions } from './session.js';
import { Watches } from './watches.js';

export { ETCD_CAPABILITIES } from './config.js';

/** @param target the cluster's address, credentials included. */
export function createEtcdBackend(target: string, clock: Clock, leaseClock: LeaseClock): Backend {
  const config = etcdConfig(target);
  const { server, display } = config;
  const client = new EtcdClient(config, clock);
  const sessions = new Sessions(client, leaseClock);
  const watches = new Watches(client);
  return create({ client, watches, sessions, config, clock, leaseClock, server, display });
}
