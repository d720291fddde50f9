// One contestant of the rows about many holds: node engine-holds.mjs CONTESTANT URL. Prints milliseconds for 1000 taken at
// once, the most sockets, and where holds are renewed the percentage of a core while they are.
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

const [, , contestant, url] = process.argv;
const COUNT = 1_000;
const IDLE_MS = 10_000;
const LEASE_MS = 30_000;
// What the round before held is still there for the rest of its lease.
const MANY = `many ${process.pid}`;

let lost = 0;
async function holdfast() {
  const { acquire } = await import('../../dist/index.js');
  await (await acquire(`${url}#warm ${MANY}`)).release();
  return async (index) => {
    const guard = await acquire(`${url}#${MANY} ${index}`, { leaseDurationMs: LEASE_MS });
    guard.lost.addEventListener('abort', () => lost++);
  };
}

const contestants = {
  'redis holdfast': holdfast,
  'postgres holdfast': holdfast,
  'etcd holdfast': holdfast,
  async 'redis redlock'() {
    const [{ default: Redis }, { default: Redlock }] = await Promise.all([
      import('ioredis'),
      import('redlock'),
    ]);
    const lock = new Redlock([new Redis(url)]);
    await (await lock.acquire([`warm ${MANY}`], LEASE_MS)).release();
    return (index) => lock.acquire([`${MANY} ${index}`], LEASE_MS);
  },
  async 'redis bare SET NX, one client'() {
    const { createClient } = await import('redis');
    const client = createClient({ url });
    await client.connect();
    return (index) => client.sendCommand(['SET', `${MANY} ${index}`, 'x', 'NX', 'PX', String(LEASE_MS)]);
  },
  async 'postgres advisory locks, one client'() {
    const { default: pg } = await import('pg');
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    return (index) => client.query('SELECT pg_try_advisory_lock($1::bigint)', [String(index)]);
  },
  async 'etcd bare puts, one connection'() {
    const [{ EtcdClient }, { etcdConfig }, { systemClock }] = await Promise.all([
      import('../../dist/backends/etcd/client.js'),
      import('../../dist/backends/etcd/config.js'),
      import('../../dist/platform/clock.js'),
    ]);
    const client = new EtcdClient(etcdConfig(url), systemClock);
    const { id } = await client.call('grantLease', { ttl: LEASE_MS / 1_000 }, 5_000);
    return (index) => client.call('put', { key: `${MANY} ${index}`, value: 'x', lease: String(id) }, 60_000);
  },
};

function sockets() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

const others = sockets();
let most = 0;
const count = () => (most = Math.max(most, sockets() - others));
const take = await contestants[contestant]();
const looking = setInterval(count, 20);
const startedAt = performance.now();
await Promise.all(Array.from({ length: COUNT }, (_, index) => take(index)));
const time = performance.now() - startedAt;
count();
clearInterval(looking);

let cpu;
if (contestant.endsWith('holdfast')) {
  const [before, since] = [process.cpuUsage(), performance.now()];
  await delay(IDLE_MS);
  const { user, system } = process.cpuUsage(before);
  cpu = (user + system) / 10 / (performance.now() - since);
  count();
}
if (lost > 0) throw new Error(`${lost} holds were lost.`);
process.stdout.write(JSON.stringify({ time, sockets: most, cpu }));
process.exit();
