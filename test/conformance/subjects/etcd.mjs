import { createEtcdBackend, ETCD_CAPABILITIES } from '../../../dist/backends/etcd/index.js';
import { keysOf } from '../../../dist/backends/etcd/keys.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { newName, otherSpelling, processKeeper, serverAddress } from './engine.mjs';

const clientAt = (address) => clientOf(createEtcdBackend(address, systemClock, leaseClock), processKeeper());

export const subject = {
  name: 'etcd',
  capabilities: ETCD_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientAt(serverAddress('HOLDFAST_TEST_ETCD'))),
  createAliasClient: () => Promise.resolve(clientAt(otherSpelling(serverAddress('HOLDFAST_TEST_ETCD')))),
  newResource: newName,
  takeoverMs: 6_000,
  // An administrator with etcdctl: the key is gone.
  induceLoss: async (resource, holderId) => {
    const url = serverAddress('HOLDFAST_TEST_ETCD').replace('etcd:', 'http:').replace(/,.*/, '');
    const key = Buffer.from(keysOf(resource).own('x', holderId)).toString('base64');
    await fetch(`${url}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify({ key }) });
  },
};
