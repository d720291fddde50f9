import { afterAll, beforeAll } from 'vitest';

import { startBucketStore, type BucketStore, type Subject } from '../../dist/testing/index.js';
import { conform } from './conformance.js';
import { subject } from './subjects/s3.mjs';

let store: BucketStore;
beforeAll(async () => {
  store = await startBucketStore();
  process.env['HOLDFAST_TEST_S3'] = `s3://bucket/locks?endpoint=${store.endpoint}`;
  process.env['AWS_ACCESS_KEY_ID'] = 'test';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'test';
});
afterAll(() => store.close());

conform(subject as Subject);
