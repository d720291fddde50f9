// One contestant of bench/engines.mjs: node engines.mjs CONTESTANT URL. Prints microseconds per take and release.
const [, , contestant, url] = process.argv;
const COUNT = 800;
const ROUNDS_WARM = 1_500;

const contestants = {
  async 'redis holdfast'() {
    const { acquire } = await import('../../dist/index.js');
    return async () => (await acquire(`${url}#bench`)).release();
  },
  async 'redis bare scripts'() {
    const { TAKE, RELEASE } = await import('../../dist/backends/redis/scripts.js');
    const client = await redis();
    for (const { source } of [TAKE, RELEASE]) await client.sendCommand(['SCRIPT', 'LOAD', source]);
    let count = 0;
    const note = JSON.stringify({
      pid: 1,
      command: 'as long as a note of a process is on most hosts',
      host: 'h',
    });
    return async () => {
      const id = `${'a'.repeat(20)}${String(++count).padStart(6, '2')}`;
      await client.sendCommand(['EVALSHA', TAKE.sha, '2', '{bare}:lock', '{bare}:token', id, '30000', note]);
      await client.sendCommand(['EVALSHA', RELEASE.sha, '1', '{bare}:lock', id, '{bare}:released']);
    };
  },
  async 'redis two PINGs'() {
    const client = await redis();
    return async () => {
      await client.sendCommand(['PING']);
      await client.sendCommand(['PING']);
    };
  },
  async redlock() {
    const [{ default: Redis }, { default: Redlock }] = await Promise.all([
      import('ioredis'),
      import('redlock'),
    ]);
    const lock = new Redlock([new Redis(url)]);
    return async () => (await lock.acquire(['redlock'], 30_000)).release();
  },
  async 'postgres holdfast'() {
    const { acquire } = await import('../../dist/index.js');
    return async () => (await acquire(`${url}#bench`)).release();
  },
  async 'postgres bare advisory lock'() {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return async () => {
      await client.query('SELECT pg_try_advisory_lock($1::bigint)', ['42']);
      await client.query('SELECT pg_advisory_unlock($1::bigint)', ['42']);
    };
  },
  async 'etcd holdfast'() {
    const { acquire } = await import('../../dist/index.js');
    return async () => (await acquire(`${url}#bench`)).release();
  },
  async 'etcd bare put and delete'() {
    const { Gateway } = await import('../../dist/backends/etcd/gateway.js');
    const { etcdConfig } = await import('../../dist/backends/etcd/config.js');
    const { systemClock } = await import('../../dist/host/clock.js');
    const gateway = new Gateway(etcdConfig(url), systemClock);
    return async () => {
      await gateway.call('/v3/kv/put', { key: 'YQ==', value: 'YQ==' }, 5_000);
      await gateway.call('/v3/kv/deleterange', { key: 'YQ==' }, 5_000);
    };
  },
};

async function redis() {
  const { createClient } = await import('redis');
  const client = createClient({ url, RESP: 3 });
  await client.connect();
  return client;
}

const once = await contestants[contestant]();
for (let warm = 0; warm < ROUNDS_WARM; warm++) await once();
const startedAt = performance.now();
for (let count = 0; count < COUNT; count++) await once();
process.stdout.write(String(((performance.now() - startedAt) / COUNT) * 1_000));
process.exit();
