import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import type { LockError } from '../../src/core/errors.js';
import { acquire, tryAcquire } from '../../src/locks/acquire.js';
import {
  serverDirectory,
  startEtcd,
  startPostgres,
  startRedis,
  type EtcdCluster,
  type PostgresServer,
  type RedisServer,
  etcdCall,
} from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';
import { freePort } from '../support/ports.js';
import { hangMs, quiescentMs } from '../support/time.js';

const SECRET = 'hunter2-s3cr3t';
const directory = serverDirectory();
const certificate = join(directory.path, 'cert.pem');
const privateKey = join(directory.path, 'key.pem');

let redis: RedisServer;
let redisTls: RedisServer;
let postgres: PostgresServer;
let etcd: EtcdCluster;
let etcdTls: EtcdCluster;

beforeAll(async () => {
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'],
    ...['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'],
    ...['-keyout', privateKey, '-out', certificate],
  ]);
  chmodSync(directory.path, 0o755);
  chmodSync(privateKey, 0o600);
  const tls = [
    '--tls-cert-file',
    certificate,
    '--tls-key-file',
    privateKey,
    '--tls-ca-cert-file',
    certificate,
  ];
  const postgresKey = join(directory.path, 'pg.pem');
  writeFileSync(postgresKey, execFileSync('cat', [privateKey]), { mode: 0o600 });
  const postgresId = Number(execFileSync('id', ['-u', 'postgres']).toString());
  if (process.getuid?.() === 0) chownSync(postgresKey, postgresId, postgresId);
  [redis, redisTls, postgres, etcd, etcdTls] = await Promise.all([
    startRedis('--requirepass', SECRET),
    startRedis('--tls-port', '--tls-auth-clients', 'no', ...tls),
    startPostgres('ssl=on', `ssl_cert_file=${certificate}`, `ssl_key_file=${postgresKey}`),
    startEtcd(),
    startEtcd(1, '--cert-file', certificate, '--key-file', privateKey),
  ]);
  const admin = await connectPostgres(postgres.url);
  await admin.query(`CREATE ROLE guarded LOGIN PASSWORD '${SECRET}'`);
  await admin.query('GRANT CREATE ON SCHEMA public TO guarded');
  await admin.end();
  postgres.requirePasswordOf('guarded');
  for (const [path, body] of [
    ['/v3/auth/user/add', { name: 'root', password: SECRET }],
    ['/v3/auth/role/add', { name: 'root' }],
    ['/v3/auth/user/grant', { user: 'root', role: 'root' }],
    ['/v3/auth/enable', {}],
  ] as const) {
    await etcdCall(etcd.url, path, body);
  }
});
afterAll(async () => {
  await Promise.all([redis.stop(), redisTls.stop(), postgres.stop(), etcd.stop(), etcdTls.stop()]);
  directory.remove();
});

const withLogin = (url: string, login: string): string => url.replace(/:\/\/([^@/]*@)?/, `://${login}@`);
const query = (url: string, name: string): string => `${url}?${name}=${encodeURIComponent(certificate)}`;

/** The rejection, and all that a log would print of it. */
async function failure(address: string, timeoutMs = hangMs) {
  const error = (await acquire(address, { timeoutMs }).then(
    (guard) => guard.release().then(() => expect.fail('was granted')),
    (reason: unknown) => reason,
  )) as LockError;
  return {
    error,
    printed: inspect(error, { depth: 8, showHidden: true }),
  };
}

describe('a server that cannot be used says why, before the deadline, and repeats no secret', () => {
  const cases: readonly (readonly [string, () => string | Promise<string>, RegExp])[] = [
    ['redis is down', async () => `redis://:${SECRET}@127.0.0.1:${await freePort()}/0#x`, /nothing listens/],
    ['redis on an unknown host', () => `redis://:${SECRET}@nowhere.invalid/0#x`, /host of .* is unknown/],
    [
      'redis with a wrong password',
      () => `${withLogin(redis.url, `:${SECRET}x`)}#x`,
      /refused the user name or password/,
    ],
    ['redis without its password', () => `${redis.url}#x`, /wants a password/],
    [
      'TLS with a plain redis',
      () => `${withLogin(redis.url, `:${SECRET}`).replace('redis:', 'rediss:')}#x`,
      /port with TLS/,
    ],
    ['redis with an unknown certificate', () => `${redisTls.url}#x`, /TLS .* refused/],
    [
      'postgres is down',
      async () => `postgres://u:${SECRET}@127.0.0.1:${await freePort()}/d#x`,
      /nothing listens/,
    ],
    [
      'postgres on an unknown host',
      () => `postgres://u:${SECRET}@nowhere.invalid/d#x`,
      /host of .* is unknown/,
    ],
    [
      'postgres with a wrong password',
      () => `${withLogin(postgres.url, `guarded:${SECRET}x`)}#x`,
      /refused the user name or password/,
    ],
    ['postgres without its password', () => `${withLogin(postgres.url, 'guarded')}#x`, /password/],
    ['a role that is not there', () => `${withLogin(postgres.url, 'nobody-here')}#x`, /no role of this name/],
    ['a database that is not there', () => `${postgres.url}x#x`, /no such database/],
    [
      'postgres with an unknown certificate',
      () => `${withLogin(postgres.url, `guarded:${SECRET}`)}?sslmode=verify-full#x`,
      /TLS .* refused/,
    ],
    ['etcd is down', async () => `etcd://root:${SECRET}@127.0.0.1:${await freePort()}#x`, /nothing listens/],
    [
      'etcd on an unknown host',
      () => `etcd://root:${SECRET}@nowhere.invalid:2379#x`,
      /host of .* is unknown/,
    ],
    [
      'etcd with a wrong password',
      () => `${withLogin(etcd.url, `root:${SECRET}x`)}#x`,
      /refused the user or the password/,
    ],
    ['etcd without its user', () => `${etcd.url}#x`, /wants a user and a password/],
    ['TLS with a plain etcd', () => `${etcd.url.replace('etcd:', 'etcds:')}#x`, /does not speak TLS/],
    ['etcd with an unknown certificate', () => `${etcdTls.url}#x`, /TLS .* refused/],
  ];
  test.each(cases)('%s', async (_name, address, fact) => {
    const { error, printed } = await failure(await address());
    expect(error.message).toMatch(fact);
    expect(error).toMatchObject({ code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
    expect(error.message).toMatch(/^Could not .*\. [A-Z].*\.$/s);
    expect(printed).not.toContain(SECRET);
  });

  test.each(['redis', 'postgres', 'etcd'])('%s that takes connections and says nothing', async (engine) => {
    const server = { redis: redis.process(), postgres: postgres.process(), etcd: etcd.members[0]?.process() }[
      engine
    ];
    const url = { redis: redis.url, postgres: postgres.url, etcd: etcd.url }[engine] as string;
    await server?.pause();
    try {
      // Another user, so that no session from before is there.
      const { error } = await failure(`${withLogin(url, 'somebody:else')}#x`, 4 * quiescentMs);
      expect(error).toMatchObject({ code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
      expect(error.message).toMatch(/did not answer/);
    } finally {
      server?.resume();
    }
  });
});

describe('with the right credentials and authority', () => {
  const cases: readonly (readonly [string, () => string])[] = [
    ['redis with a password', () => `${withLogin(redis.url, `:${SECRET}`)}#in`],
    ['redis over TLS', () => `${query(redisTls.url, 'ca')}#in`],
    ['postgres with a password', () => `${withLogin(postgres.url, `guarded:${SECRET}`)}#in`],
    [
      'postgres over TLS',
      () => `${query(withLogin(postgres.url, `guarded:${SECRET}`), 'sslrootcert')}&sslmode=verify-full#in`,
    ],
    ['etcd with a password', () => `${withLogin(etcd.url, `root:${SECRET}`)}#in`],
    ['etcd over TLS', () => `${query(etcdTls.url, 'ca')}#in`],
  ];
  test.each(cases)('%s is locked, and shows no secret', async (_name, address) => {
    const guard = await acquire(address());
    expect(guard.address).not.toContain(SECRET);
    expect(inspect(guard, { depth: 4 })).not.toContain(SECRET);
    expect(await tryAcquire(address())).toBeUndefined();
    await guard.release();
  });
});
