// One contestant of bench/engines.mjs: node engines.mjs CONTESTANT URL. Prints microseconds per take and release.
const [, , contestant, url] = process.argv;
const COUNT = 800;
const LEAST_MS = 300;
// The compiler takes thousands of rounds to be through with either side; a busy machine gives it little time for them.
const WARM_COUNT = 500;
const WARM_MS = 1_500;

const contestants = {
  async 'redis holdfast'() {
    const { acquire } = await import('../../dist/index.js');
    return async () => (await acquire(`${url}#bench`)).release();
  },
  'redis bare scripts': () => bareScripts({}),
  // As our own connection is opened, whose commands have a deadline of ours.
  'redis bare scripts, untimed': () => bareScripts({ commandOptions: { timeout: undefined } }),
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
  async 'postgres bare lock and token'() {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('CREATE SEQUENCE IF NOT EXISTS bare CACHE 1');
    const take = `SELECT nextval('bare') FROM pg_try_advisory_lock($1::bigint) AS is_mine WHERE is_mine`;
    return async () => {
      await client.query(take, ['43']);
      await client.query('SELECT pg_advisory_unlock($1::bigint)', ['43']);
    };
  },
  async 'etcd holdfast'() {
    const { acquire } = await import('../../dist/index.js');
    return async () => (await acquire(`${url}#bench`)).release();
  },
  // What the protocol costs: our own requests, and nothing of ours around them.
  async 'etcd our two requests, bare'() {
    const { claimOf, endClaim, tryClaim } = await import('../../dist/backends/etcd/claim.js');
    const { newHolderId } = await import('../../dist/core/holder.js');
    const { encodeHolder } = await import('../../dist/platform/holder-record.js');
    const client = await etcd();
    const { id } = await client.call('grantLease', { ttl: 60 }, 5_000);
    const note = encodeHolder(Date.now(), {});
    return async () => {
      const request = { resource: `${url}#bare`, holderId: newHolderId(), mode: 'exclusive' };
      const claim = claimOf(request, note);
      await tryClaim(client, claim, { leaseId: String(id) }, 5_000);
      await endClaim(client, claim.key, 5_000);
    };
  },
  async 'etcd bare put and delete'() {
    const client = await etcd();
    return async () => {
      await client.call('put', { key: 'a', value: 'a' }, 5_000);
      await client.call('deletion', { key: 'a' }, 5_000);
    };
  },
};

async function redis(options = {}) {
  const { createClient } = await import('redis');
  const client = createClient({ url, RESP: 3, ...options });
  await client.connect();
  return client;
}

async function bareScripts(options) {
  const { TAKE, RELEASE } = await import('../../dist/backends/redis/scripts.js');
  const { encodeHolder } = await import('../../dist/platform/holder-record.js');
  const client = await redis(options);
  for (const { source } of [TAKE, RELEASE]) await client.sendCommand(['SCRIPT', 'LOAD', source]);
  let count = 0;
  const note = encodeHolder(Date.now(), {});
  return async () => {
    const id = `${'a'.repeat(20)}${String(++count).padStart(6, '2')}`;
    await client.sendCommand(['EVALSHA', TAKE.sha, '2', '{bare}:lock', '{bare}:token', id, '30000', note]);
    await client.sendCommand(['EVALSHA', RELEASE.sha, '1', '{bare}:lock', id, '{bare}:released']);
  };
}

async function etcd() {
  const { EtcdClient } = await import('../../dist/backends/etcd/client.js');
  const { etcdConfig } = await import('../../dist/backends/etcd/config.js');
  const { systemClock } = await import('../../dist/platform/clock.js');
  return new EtcdClient(etcdConfig(url), systemClock);
}

const once = await contestants[contestant]();
async function run(leastCount, leastMs) {
  const startedAt = performance.now();
  let count = 0;
  while (count < leastCount || performance.now() - startedAt < leastMs) {
    await once();
    count++;
  }
  return ((performance.now() - startedAt) / count) * 1_000;
}

await run(WARM_COUNT, WARM_MS);
process.stdout.write(String(await run(COUNT, LEAST_MS)));
process.exit();
