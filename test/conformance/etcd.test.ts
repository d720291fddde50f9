import { afterAll, beforeAll } from 'vitest';

import type { Subject } from '../../dist/testing/index.js';
import { startEtcd, type EtcdCluster } from '../support/engines.js';
import { conform } from './conformance.js';
import { subject } from './subjects/etcd.mjs';

let server: EtcdCluster;
beforeAll(async () => {
  server = await startEtcd();
  process.env['HOLDFAST_TEST_ETCD'] = server.url;
});
afterAll(() => server.stop());

conform(subject as Subject);
