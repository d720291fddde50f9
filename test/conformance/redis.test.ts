import { afterAll, beforeAll } from 'vitest';

import type { Subject } from '../../dist/testing/index.js';
import { startRedis, type RedisServer } from '../support/engines.js';
import { conform } from './conformance.js';
import { subject } from './subjects/redis.mjs';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis();
  process.env['HOLDFAST_TEST_REDIS'] = server.url;
});
afterAll(() => server.stop());

conform(subject as Subject);
