import pg from 'pg';

import { createPostgresBackend, POSTGRES_CAPABILITIES } from '../../../dist/backends/postgres/index.js';
import { advisoryKey, halvesOf } from '../../../dist/backends/postgres/keys.js';
import { systemClock } from '../../../dist/platform/clock.js';
import { leaseClock } from '../../../dist/platform/lease-clock.js';
import { clientOf } from '../../../dist/testing/index.js';
import { newName, otherSpelling, serverAddress } from './engine.mjs';

const clientAt = (address) => clientOf(createPostgresBackend(address, systemClock, leaseClock));

export const subject = {
  name: 'postgres',
  capabilities: POSTGRES_CAPABILITIES,
  module: new URL(import.meta.url),
  createClient: () => Promise.resolve(clientAt(serverAddress('HOLDFAST_TEST_POSTGRES'))),
  createAliasClient: () => Promise.resolve(clientAt(otherSpelling(serverAddress('HOLDFAST_TEST_POSTGRES')))),
  newResource: newName,
  takeoverMs: 2_000,
  // An administrator, a restart, a failover: the server's process that held the lock is gone. Not those of others: cases run
  // side by side.
  induceLoss: async (resource) => {
    const kinds = ['lock', 'queue', ...Array.from({ length: 16 }, (_, index) => `permit ${index}`)];
    const keys = kinds.map((kind) => halvesOf(advisoryKey(resource, kind)).join(':'));
    const client = new pg.Client({ connectionString: serverAddress('HOLDFAST_TEST_POSTGRES') });
    await client.connect();
    await client.query(
      "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid::text || ':' || objid::text = ANY($1)",
      [keys],
    );
    await client.end();
  },
};
