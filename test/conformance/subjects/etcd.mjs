import { createEtcdBackend, ETCD_CAPABILITIES } from '../../../dist/backends/etcd/index.js';
import { keysOf } from '../../../dist/backends/etcd/keys.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { newName, processKeeper, serverAddress } from './engine.mjs';

export const subject = {
  name: 'etcd',
  capabilities: ETCD_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () =>
    Promise.resolve(
      clientOf(
        createEtcdBackend(serverAddress('HOLDFAST_TEST_ETCD'), systemClock, leaseClock),
        processKeeper(),
      ),
    ),
  newResource: newName,
  takeoverMs: 6_000,
  // An administrator with etcdctl: the key is gone.
  induceLoss: async (resource, holderId) => {
    const url = serverAddress('HOLDFAST_TEST_ETCD').replace('etcd:', 'http:').replace(/,.*/, '');
    const key = Buffer.from(keysOf(resource).own('x', holderId)).toString('base64');
    await fetch(`${url}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify({ key }) });
  },
};
