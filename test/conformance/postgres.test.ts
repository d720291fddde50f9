import { afterAll, beforeAll } from 'vitest';

import type { Subject } from '../../dist/testing/index.js';
import { startPostgres, type PostgresServer } from '../support/engines.js';
import { conform } from './conformance.js';
import { subject } from './subjects/postgres.mjs';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
  process.env['HOLDFAST_TEST_POSTGRES'] = server.url;
});
afterAll(() => server.stop());

conform(subject as Subject);
