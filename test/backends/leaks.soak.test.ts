import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { etcdCall, startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { together, whenFinished } from '../support/finish.js';
import { connectPostgres } from '../support/postgres-client.js';
import { connectRedis } from '../support/redis-client.js';

const minutes = Number(process.env['HOLDFAST_LEAK_MINUTES'] ?? 2);
const WORKER = fileURLToPath(new URL('leaks.mjs', import.meta.url));
const MEBIBYTE = 2 ** 20;

interface Sample {
  readonly count: number;
  readonly heapUsed: number;
  readonly rss: number;
  readonly sockets: number;
}

type Counts = Readonly<Record<string, number>>;

/** What the server has of this process, or because of it. */
interface Subject extends AsyncDisposable {
  readonly url: string;
  look(): Promise<Counts>;
}

async function redis(): Promise<Subject> {
  const server = await startRedis();
  return {
    url: server.url,
    async look() {
      const client = await connectRedis(server.url);
      const [keys, clients] = [
        await client.sendCommand(['DBSIZE']),
        await client.sendCommand(['CLIENT', 'LIST']),
      ];
      client.destroy();
      return { keys: Number(keys), sessions: String(clients).trim().split('\n').length - 1 };
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function postgres(): Promise<Subject> {
  const server = await startPostgres();
  return {
    url: server.url,
    async look() {
      const client = await connectPostgres(server.url);
      const { rows } = await client.query(`SELECT
        (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory') AS keys,
        (SELECT count(*)::int FROM pg_stat_activity WHERE application_name LIKE 'holdfast%') AS sessions`);
      await client.end();
      return rows[0] as unknown as Counts;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

async function etcd(): Promise<Subject> {
  const cluster = await startEtcd();
  const encode = (text: string): string => Buffer.from(text).toString('base64');
  return {
    url: cluster.url,
    async look() {
      const range = { key: encode('holdfast/'), range_end: encode('holdfast0'), count_only: true };
      const { count } = await etcdCall(cluster.url, '/v3/kv/range', range);
      const { leases } = await etcdCall(cluster.url, '/v3/lease/leases', {});
      return { keys: Number(count ?? 0), sessions: ((leases as unknown[] | undefined) ?? []).length };
    },
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

async function samplesOf(url: string): Promise<readonly Sample[]> {
  const child = spawn(process.execPath, ['--expose-gc', WORKER, url, String(minutes)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  whenFinished(() => void child.kill('SIGKILL'));
  const samples: Sample[] = [];
  for await (const line of createInterface(child.stdout)) samples.push(JSON.parse(line) as Sample);
  return samples;
}

/** Of two equal parts of the samples, behind a first one in which everything is compiled and connected. */
function growth(samples: readonly Sample[], of: 'heapUsed' | 'rss'): number {
  const part = Math.floor(samples.length / 3);
  const least = (from: number): number =>
    Math.min(...samples.slice(from, from + part).map((sample) => sample[of]));
  return (least(2 * part) - least(part)) / MEBIBYTE;
}

for (const [name, start, limits] of [
  ['redis', redis, { keys: 60, sessions: 2, sockets: 3 }],
  ['postgres', postgres, { keys: 0, sessions: 9, sockets: 9 }],
  ['etcd', etcd, { keys: 60, sessions: 2, sockets: 3 }],
] as const) {
  together(`${name}: acquire and release leave nothing behind`, async () => {
    await using subject = await start();
    const samples = await samplesOf(subject.url);
    const [heap, rss] = [growth(samples, 'heapUsed'), growth(samples, 'rss')];
    const sockets = Math.max(...samples.map((sample) => sample.sockets));
    const left = await subject.look();
    const figures = { rounds: samples.at(-1)?.count, heapMiB: heap, rssMiB: rss, sockets, left };
    process.stderr.write(`${name}, ${minutes} min: ${JSON.stringify(figures)}\n`);
    expect(sockets).toBeLessThanOrEqual(limits.sockets);
    expect(left['keys']).toBeLessThanOrEqual(limits.keys);
    expect(left['sessions']).toBeLessThanOrEqual(limits.sessions);
    // A leak of 100 bytes for each of some 100 000 holds would be 10.
    expect(heap).toBeLessThan(2);
    expect(rss).toBeLessThan(16);
  });
}
