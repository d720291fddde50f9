// node engine-loss.mjs ENGINE URL. Prints milliseconds from the request that ends a hold at the server to `guard.lost`.
import { setTimeout as delay } from 'node:timers/promises';

import { acquire } from '../../dist/index.js';

const [, , engine, url] = process.argv;
/** So long that no renewal can be what finds the loss. */
const LEASE_MS = 600_000;

const ends = {
  async redis() {
    const { createClient } = await import('redis');
    const client = createClient({ url });
    await client.connect();
    return () => client.sendCommand(['DEL', '{loss}:lock']);
  },
  async postgres() {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return () => client.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  },
  async etcd() {
    const post = async (path, body) => {
      const reply = await fetch(`${url.replace('etcd:', 'http:')}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return reply.json();
    };
    const key = Buffer.from('holdfast/').toString('base64');
    const { kvs } = await post('/v3/kv/range', {
      key,
      range_end: Buffer.from('holdfast0').toString('base64'),
    });
    return () => post('/v3/lease/revoke', { ID: kvs[0].lease });
  },
};

const guard = await acquire(`${url}#loss`, { leaseDurationMs: LEASE_MS });
const end = await ends[engine]();
// A watch that has just been asked for is not there yet; a hold that is to be watched lasts longer than that.
await delay(1_000);
const lost = new Promise((resolve) => guard.lost.addEventListener('abort', resolve));
const startedAt = performance.now();
await Promise.all([end(), lost]);
process.stdout.write(String(performance.now() - startedAt));
process.exit();
