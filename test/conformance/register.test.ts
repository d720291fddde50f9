import { afterAll, beforeAll } from 'vitest';

import { startBucketStore, type BucketStore, type Subject } from '../../dist/testing/index.js';
import { conform } from './conformance.js';
import { subject } from './subjects/register.mjs';

let store: BucketStore;
beforeAll(async () => {
  store = await startBucketStore();
  process.env['HOLDFAST_TEST_GENERATIONS'] = store.endpoint;
});
afterAll(() => store.close());

conform(subject as Subject);
