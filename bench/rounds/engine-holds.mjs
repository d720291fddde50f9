// One contestant of the rows about many holds: node engine-holds.mjs CONTESTANT URL. Prints microseconds per lock, of 1000 at once.
const [, , contestant, url] = process.argv;
const COUNT = 1_000;

const contestants = {
  async holdfast() {
    const { acquire } = await import('../../dist/index.js');
    await (await acquire(`${url}#warm`)).release();
    return (index) => acquire(`${url}#many ${index}`);
  },
  async redlock() {
    const [{ default: Redis }, { default: Redlock }] = await Promise.all([
      import('ioredis'),
      import('redlock'),
    ]);
    const lock = new Redlock([new Redis(url)]);
    await (await lock.acquire(['warm'], 30_000)).release();
    return (index) => lock.acquire([`many ${index}`], 30_000);
  },
  async 'advisory locks, one client'() {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return (index) => client.query('SELECT pg_try_advisory_lock($1::bigint)', [String(index)]);
  },
};

const take = await contestants[contestant]();
const startedAt = performance.now();
await Promise.all(Array.from({ length: COUNT }, (_, index) => take(index)));
process.stdout.write(String(((performance.now() - startedAt) / COUNT) * 1_000));
process.exit();
