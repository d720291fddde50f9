import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

import { startPostgres, startRedis, type PostgresServer, type RedisServer } from '../support/engines.js';
import { Consumer } from './consumer.js';

let redis: RedisServer;
let postgres: PostgresServer;
beforeAll(async () => {
  [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
});
afterAll(() => Promise.all([redis.stop(), postgres.stop()]));

const SCRIPT = `
import { acquire, breakLock, createLock, inspect, tryAcquire } from 'holdfast';
const [, , engine, url, other] = process.argv;
const fail = (what) => { throw new Error(what); };
const lossOf = (guard) => new Promise((resolve) => guard.lost.addEventListener('abort', () => resolve(guard.lost.reason.code)));
const OPTIONS = { leaseDurationMs: 3_000, timeoutMs: 60_000 };

// A hold keeps no process alive.
const alive = setInterval(() => {}, 1_000);
const held = await acquire(url + '#a', { ...OPTIONS, reason: 'tried' });
if ((await tryAcquire(other + '#a')) !== undefined) fail('two hold');
if ((await inspect(other + '#a')).holders[0]?.reason !== 'tried') fail('not seen');
const waiting = acquire(other + '#a', OPTIONS);
await held.release();
const next = await waiting;
if (next.fencingToken <= held.fencingToken) fail('token');
const broken = lossOf(next);
if (!(await breakLock(url + '#a', next.holderId, { isImmediate: true }))) fail('not broken');
if ((await broken) !== 'HOLDFAST_LOST') fail('not lost');
await next.release();

const permits = await Promise.all([1, 2].map(() => acquire(url + '#p', { ...OPTIONS, permits: 2 })));
if ((await tryAcquire(other + '#p', { permits: 2 })) !== undefined) fail('three hold two permits');
await Promise.all(permits.map((permit) => permit.release()));

// Longer than its lease: it is renewed.
const long = await acquire(url + '#long', OPTIONS);
await new Promise((resolve) => setTimeout(resolve, 4_500));
long.assertHeld();
const gone = lossOf(long);
if (engine === 'redis') {
  const { createClient } = await import('redis');
  const client = createClient({ url });
  await client.connect();
  await client.sendCommand(['DEL', '{long}:lock']);
  if ((await gone) !== 'HOLDFAST_LOST') fail('not lost');
  const own = await acquire(createLock('redis://x#own', { client }), OPTIONS);
  own.assertHeld();
  await own.release();
  client.destroy();
} else {
  const { default: pg } = await import('pg');
  const pool = new pg.Pool({ connectionString: url });
  await pool.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'");
  if ((await gone) !== 'HOLDFAST_LOST') fail('not lost');
  const own = await acquire(createLock('postgres://x/y#own', { client: pool }), OPTIONS);
  own.assertHeld();
  await own.release();
  await pool.end();
}
await long.release();
clearInterval(alive);
console.log('all well');
`;

/** The oldest and the newest of the peers that package.json admits. */
test.each([
  ['redis', '5.0.0'],
  ['redis', 'latest'],
  ['pg', '8.11.0'],
  ['pg', 'latest'],
])('locks through the package %s %s', async (name, version) => {
  const app = new Consumer('node20');
  await app.install(inject('tarball'), `${name}@${version}`);
  app.write('try.mjs', SCRIPT);
  const isRedis = name === 'redis';
  const { url } = isRedis ? redis : postgres;
  // Another spelling is another client: it does not share the connection.
  const other = isRedis ? `${url}?db=0` : `${url}?application_name=other`;

  const tried = await app.node('try.mjs', isRedis ? 'redis' : 'postgres', url, other);

  expect(tried).toMatchObject({ code: 0, stdout: 'all well\n' });
  const installed = createRequire(join(app.directory, 'x.js'))(`${name}/package.json`) as { version: string };
  process.stderr.write(`${name} ${installed.version}: as it should be\n`);
});
