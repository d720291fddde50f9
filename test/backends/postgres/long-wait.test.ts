import { setTimeout as delay } from 'node:timers/promises';

import { afterAll, beforeAll, expect, test } from 'vitest';

import { PROOF_MS } from '../../../src/backends/postgres/config.js';
import { acquire } from '../../../src/locks/acquire.js';
import { startPostgres, type PostgresServer } from '../../support/engines.js';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test('a lock that was waited for longer than a proof of its session counts is held when it is granted', async () => {
  const first = await acquire(`${server.url}#long`);
  const waiting = acquire(`${server.url}?application_name=elsewhere#long`, { timeoutMs: Infinity });
  await delay(PROOF_MS + 500);
  await first.release();
  const second = await waiting;
  expect(() => second.assertHeld()).not.toThrow();
  await second.release();
});
