import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { fencingTokenOf } from '../../src/fencing/index.js';
import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';

const FIXTURE = fileURLToPath(new URL('./engine-paused.mjs', import.meta.url));
/** Where Debian's libfaketime lies, on each of its architectures. */
const faketime = execFileSync('dpkg', ['-L', 'libfaketime'])
  .toString()
  .split('\n')
  .find((path) => path.endsWith('libfaketimeMT.so.1')) as string;

const LEASE_MS = 2_000;
const PAST_LEASE_MS = 3_000;
const ROUNDS = 25;

interface Line {
  readonly type: 'in' | 'accepted' | 'refused';
  readonly from: number;
  readonly to: number;
  readonly token: string;
}

/** A counter that takes a write unless a higher token has been there, and tells whose it took. */
async function startResource() {
  let [value, last] = ['0', 0n];
  const taken: bigint[] = [];
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(value);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const token = fencingTokenOf(request.headers) ?? 0n;
      if (token < last) return response.writeHead(412).end();
      last = token;
      if (body !== '') {
        value = body;
        taken.push(token);
      }
      return response.writeHead(204).end();
    });
    return undefined;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    outcome: () => ({ value: Number(value), taken }),
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Pausing {
  readonly pauses: number;
  readonly pauseMs: number;
  /** What happens to the hold of a process that has just been stopped. */
  readonly meanwhile?: () => Promise<unknown>;
}

/**
 * Runs 3 processes, some with a skewed wall clock, and stops holders until somebody else holds. Returns how many holds
 * overlapped another, by their recorded intervals; that none of them got a write accepted is checked here.
 */
async function racePaused(address: string, { pauses, pauseMs, meanwhile }: Pausing): Promise<number> {
  const resource = await startResource();
  const lines: Line[] = [];
  let pausesLeft = pauses;
  let isPaused = false;
  const runs = [0, 1, 2].map((index) => {
    const args = [FIXTURE, address, resource.url, String(ROUNDS), String(LEASE_MS)];
    // Wall clocks decide nothing: one runs an hour ahead, one an hour behind. Preloaded, since faketime(1) forks.
    const skew = ['+0', '+1h', '-1h'][index] as string;
    const env = { ...process.env, LD_PRELOAD: faketime, FAKETIME: skew, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line = JSON.parse(text) as Line;
      if (line.type !== 'in') return lines.push(line);
      // One at a time: somebody has to be there to take over.
      if (pausesLeft === 0 || isPaused || Math.random() > 0.3) return child.stdin.write('go');
      pausesLeft--;
      isPaused = true;
      child.kill('SIGSTOP');
      void Promise.all([delay(pauseMs), meanwhile?.()]).then(() => {
        child.kill('SIGCONT');
        child.stdin.write('go');
        isPaused = false;
      });
      return undefined;
    });
    return new Promise<number | null>((resolve) => child.once('close', resolve));
  });
  expect(await Promise.all(runs)).toEqual([0, 0, 0]);
  const { value, taken } = resource.outcome();
  resource.close();
  // Exact, whatever overlapped: that is what the token is for.
  expect(value).toBe(3 * ROUNDS);
  expect(taken).toHaveLength(3 * ROUNDS);
  expect(pausesLeft).toBeLessThan(pauses);
  return overlapsWithout(lines, taken);
}

/** Counts pairs of holds at the same time. Of no pair was the older one written after the younger one. */
function overlapsWithout(lines: readonly Line[], taken: readonly bigint[]): number {
  let overlaps = 0;
  for (const [index, older] of lines.entries()) {
    for (const younger of lines.slice(index + 1)) {
      if (older.to <= younger.from || younger.to <= older.from) continue;
      overlaps++;
      const [low, high] = [BigInt(older.token), BigInt(younger.token)].toSorted((a, b) => (a < b ? -1 : 1));
      const [lowAt, highAt] = [taken.indexOf(low as bigint), taken.indexOf(high as bigint)];
      if (lowAt >= 0 && highAt >= 0)
        expect(lowAt, 'a write behind that of a later holder').toBeLessThan(highAt);
    }
  }
  const refused = lines.filter(({ type }) => type === 'refused');
  expect(refused.length).toBeGreaterThan(0);
  for (const { token } of refused) expect(taken).not.toContain(BigInt(token));
  return overlaps;
}

test('redis: holders paused past their lease overlap others, and write nothing that a later one has not allowed', async () => {
  await using server = await startRedis();
  const overlaps = await racePaused(`${server.url}#paused`, { pauses: 3, pauseMs: PAST_LEASE_MS });
  expect(overlaps).toBeGreaterThan(0);
});

test('etcd: holders paused past their lease overlap others, and write nothing that a later one has not allowed', async () => {
  await using cluster = await startEtcd();
  const overlaps = await racePaused(`${cluster.url}#paused`, { pauses: 3, pauseMs: PAST_LEASE_MS });
  expect(overlaps).toBeGreaterThan(0);
});

// A pause alone does not end a session: its host goes on acknowledging. A pause during which the server ends it does.
test('postgres: holders paused while their session ends overlap others, and write nothing either', async () => {
  await using server = await startPostgres();
  const admin = await connectPostgres(server.url);
  const meanwhile = (): Promise<unknown> =>
    admin.query("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted");
  const overlaps = await racePaused(`${server.url}#paused`, { pauses: 6, pauseMs: 500, meanwhile });
  expect(overlaps).toBeGreaterThan(0);
  await admin.end();
});
