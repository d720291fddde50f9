import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { acquire, tryAcquire } from '../../src/locks/acquire.js';
import { breakLock } from '../../src/locks/manage.js';
import { inspect } from '../../src/locks/inspect.js';
import { targetOf } from '../../src/locks/lock.js';
import { asPostgresOwns, createAuthority, type Pair } from '../support/certificates.js';
import { etcdCall, startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';
import { connectRedis } from '../support/redis-client.js';
import { hangMs, machineUnit } from '../support/time.js';

const SECRET = 'hunter2-s3cr3t';
const authority = createAuthority();
const stranger = createAuthority();
let server: Pair;
let client: Pair;
let strange: Pair;

beforeAll(() => {
  server = authority.issue('server');
  client = authority.issue('certified');
  strange = stranger.issue('certified');
});
afterAll(() => {
  authority.remove();
  stranger.remove();
});

const parameters = (pair: Pair, names: readonly [string, string, string]): string =>
  new URLSearchParams([
    [names[0], authority.certificate],
    [names[1], pair.certificate],
    [names[2], pair.key],
  ]).toString();
const files = (pair: Pair): string => parameters(pair, ['ca', 'cert', 'key']);

/** Addresses of one server that do not share a client: a parameter that is the default, written twice, or not at all. */
const another = (program: string): string => '&db=0'.repeat(['one', 'two', 'three'].indexOf(program));

/** Takes, waits behind, shows, breaks and takes permits: all that credentials may get in the way of. */
async function useAll(address: (program: string) => string): Promise<void> {
  const lease = { leaseDurationMs: 2_000 * machineUnit, timeoutMs: hangMs };
  const guard = await acquire(address('one'), lease);
  const waiting = acquire(address('two'), lease);
  expect(await tryAcquire(address('three'), lease)).toBeUndefined();
  expect((await inspect(address('one'))).holders[0]?.holderId).toBe(guard.holderId);
  expect(await targetOf(address('one')).namespace.backend.list?.()).toContain('credentials');
  await guard.release();
  const next = await waiting;
  expect(await breakLock(address('one'), next.holderId, { isImmediate: true })).toBe(true);
  const permit = await acquire(address('one'), { ...lease, permits: 2 });
  await permit.release();
  await next.release().catch(() => undefined);
}

describe('certificates of clients', () => {
  test('redis: one of the authority is let in, none and a stranger are refused', async () => {
    const tls = ['--tls-cert-file', server.certificate, '--tls-key-file', server.key];
    await using redis = await startRedis('--tls-port', ...tls, '--tls-ca-cert-file', authority.certificate);
    await useAll((program) => `${redis.url}?${files(client)}${another(program)}#credentials`);
    for (const query of [new URLSearchParams({ ca: authority.certificate }).toString(), files(strange)]) {
      await expect(acquire(`${redis.url}?${query}#x`, { timeoutMs: hangMs })).rejects.toMatchObject({
        code: 'HOLDFAST_BACKEND_UNAVAILABLE',
      });
    }
  });

  test('etcd: one of the authority is let in, none and a stranger are refused', async () => {
    const tls = ['--cert-file', server.certificate, '--key-file', server.key];
    const clients = ['--client-cert-auth', '--trusted-ca-file', authority.certificate];
    await using etcd = await startEtcd(1, ...tls, ...clients);
    await useAll((program) => `${etcd.url}/${program}?${files(client)}#credentials`);
    for (const query of [new URLSearchParams({ ca: authority.certificate }).toString(), files(strange)]) {
      await expect(acquire(`${etcd.url}?${query}#x`, { timeoutMs: hangMs })).rejects.toMatchObject({
        code: 'HOLDFAST_BACKEND_UNAVAILABLE',
        message: expect.stringMatching(/does not accept our certificate, or wants one/) as string,
      });
    }
  });

  test('etcd: a member whose own certificate is none for clients is as good as any', async () => {
    const own = authority.issue('server-only', 'serverAuth');
    const tls = ['--cert-file', own.certificate, '--key-file', own.key];
    const clients = ['--client-cert-auth', '--trusted-ca-file', authority.certificate];
    await using etcd = await startEtcd(1, ...tls, ...clients);
    await useAll((program) => `${etcd.url}/${program}?${files(client)}#credentials`);
  });

  test('postgres: one in the name of the role is let in, none, a stranger and plain text are refused', async () => {
    const key = asPostgresOwns(server.key);
    const tls = [`ssl_cert_file=${server.certificate}`, `ssl_key_file=${key}`];
    await using postgres = await startPostgres('ssl=on', ...tls, `ssl_ca_file=${authority.certificate}`);
    const admin = await connectPostgres(postgres.url);
    await admin.query('CREATE ROLE certified LOGIN');
    await admin.query('GRANT CREATE ON SCHEMA public TO certified');
    await admin.end();
    postgres.requireCertificateOf('certified');
    const url = postgres.url.replace('holder@', 'certified@');
    const names = ['sslrootcert', 'sslcert', 'sslkey'] as const;
    const with_ = (pair: Pair): string => `${url}?sslmode=verify-full&${parameters(pair, names)}`;
    await useAll((program) => `${with_(client)}&application_name=${program}#credentials`);
    const root = new URLSearchParams({ sslrootcert: authority.certificate }).toString();
    for (const address of [`${url}#x`, `${url}?sslmode=verify-full&${root}#x`, `${with_(strange)}#x`]) {
      const refused = acquire(address, { timeoutMs: hangMs });
      await expect(refused, address).rejects.toMatchObject({ code: 'HOLDFAST_BACKEND_UNAVAILABLE' });
    }
  });
});

describe('users with rights of their own', () => {
  test('redis: what the page asks for is enough, and without it PERMISSION says what to allow', async () => {
    await using redis = await startRedis();
    const admin = await connectRedis(redis.url);
    const commands =
      '+eval +evalsha +get +set +del +pexpire +pttl +time +publish +subscribe +unsubscribe +info +scan';
    const permits = '+zadd +zrem +zcard +zrange +zrangebyscore +zscore +hset +hget +hdel +hgetall';
    const setUser = (name: string, ...rules: string[]): Promise<unknown> =>
      admin.sendCommand(['ACL', 'SETUSER', name, 'on', `>${SECRET}`, ...rules]);
    await setUser('app', '~{*', '&{*', ...commands.split(' '), ...permits.split(' '));
    await setUser('elsewhere', '~other:*', '&{*', ...commands.split(' '));
    await setUser('reader', '~{*', '+get', '+info');
    const as = (user: string): string => redis.url.replace('://', `://${user}:${SECRET}@`);
    await useAll((program) => `${as('app')}?${another(program)}#credentials`);
    for (const user of ['elsewhere', 'reader']) {
      const error = await acquire(`${as(user)}#x`, { timeoutMs: hangMs }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({
        code: 'HOLDFAST_PERMISSION',
        message: expect.stringMatching(/does not allow this user.*Allow the user EVALSHA/) as string,
      });
    }
    admin.destroy();
  });

  test('etcd: a role with the prefix is enough, and without it PERMISSION says what to grant', async () => {
    await using etcd = await startEtcd();
    const prefix = { key: encode('holdfast/'), range_end: encode('holdfast0'), permType: 'READWRITE' };
    for (const [path, body] of [
      ['user/add', { name: 'root', password: SECRET }],
      ['role/add', { name: 'root' }],
      ['user/grant', { user: 'root', role: 'root' }],
      ['role/add', { name: 'locks' }],
      ['role/grant', { name: 'locks', perm: prefix }],
      ['user/add', { name: 'app', password: SECRET }],
      ['user/grant', { user: 'app', role: 'locks' }],
      ['user/add', { name: 'nobody', password: SECRET }],
      ['enable', {}],
    ] as const) {
      await etcdCall(etcd.url, `/v3/auth/${path}`, body);
    }
    const as = (user: string): string => etcd.url.replace('://', `://${user}:${SECRET}@`);
    await useAll((program) => `${as('app')}/${program}#credentials`);
    await expect(acquire(`${as('nobody')}#x`, { timeoutMs: hangMs })).rejects.toMatchObject({
      code: 'HOLDFAST_PERMISSION',
      message: expect.stringContaining('etcdctl role grant-permission') as string,
    });
  });

  test('postgres: a role that may not make the sequence is told who has to, and then it is enough', async () => {
    await using postgres = await startPostgres();
    const admin = await connectPostgres(postgres.url);
    await admin.query('CREATE ROLE app LOGIN');
    const url = postgres.url.replace('holder@', 'app@');
    const denied = { code: 'HOLDFAST_PERMISSION', message: expect.stringContaining('GRANT USAGE') as string };
    await expect(acquire(`${url}#x`, { timeoutMs: hangMs })).rejects.toMatchObject(denied);
    await admin.query('CREATE SEQUENCE public.holdfast_token START WITH 1800000000000000');
    await expect(acquire(`${url}#x`, { timeoutMs: hangMs })).rejects.toMatchObject(denied);
    await admin.query('GRANT USAGE ON SEQUENCE public.holdfast_token TO app');
    await useAll((program) => `${url}?application_name=${program}#credentials`);
    await admin.end();
  });
});

test('a hot standby of Postgres is refused, with where to go', async () => {
  await using primary = await startPostgres();
  await (await acquire(`${primary.url}#x`)).release();
  await using standby = await primary.startStandby();
  await expect(acquire(`${standby.url}#x`)).rejects.toMatchObject({
    code: 'HOLDFAST_CONFIG_MISMATCH',
    message: expect.stringMatching(/standby.*Use the address of the primary/) as string,
  });
});

function encode(text: string): string {
  return Buffer.from(text).toString('base64');
}
