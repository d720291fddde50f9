import { execFileSync, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { fencingTokenOf } from '../../src/fencing/index.js';
import { startEtcd, startRedis } from '../support/engines.js';

const FIXTURE = fileURLToPath(new URL('./engine-paused.mjs', import.meta.url));
/** Where Debian's libfaketime lies, on each of its architectures. */
const faketime = execFileSync('dpkg', ['-L', 'libfaketime'])
  .toString()
  .split('\n')
  .find((path) => path.endsWith('libfaketimeMT.so.1')) as string;

const LEASE_MS = 2_000;
const PAUSE_MS = 3_000;

interface Line {
  readonly type: 'in' | 'accepted' | 'refused';
  readonly from: number;
  readonly to: number;
}

/** A counter that takes a write unless a higher token has been there, and tells how many it took. */
async function startResource() {
  let [value, last, taken] = ['0', 0n, 0];
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(value);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const token = fencingTokenOf(request.headers) ?? 0n;
      if (token < last) return response.writeHead(412).end();
      last = token;
      if (body !== '') [value, taken] = [body, taken + 1];
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

/** Runs 3 processes, some with a skewed wall clock, and pauses holders past their lease. */
async function racePaused(address: string, pauses: number): Promise<{ refused: number }> {
  const resource = await startResource();
  const lines: Line[] = [];
  let pausesLeft = pauses;
  let isPaused = false;
  const runs = [0, 1, 2].map((index) => {
    const args = [FIXTURE, address, resource.url, '25', String(LEASE_MS)];
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
      void delay(PAUSE_MS).then(() => {
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
  expect(taken).toBe(75);
  expect(value).toBe(75);
  expect(pausesLeft).toBeLessThan(pauses);
  return { refused: lines.filter(({ type }) => type === 'refused').length };
}

test('redis: holders paused past their lease write nothing that a later holder has not allowed', async () => {
  await using server = await startRedis();
  const { refused } = await racePaused(`${server.url}#paused`, 3);
  expect(refused).toBeGreaterThan(0);
});

test('etcd: holders paused past their lease write nothing that a later holder has not allowed', async () => {
  await using cluster = await startEtcd();
  const { refused } = await racePaused(`${cluster.url}#paused`, 3);
  expect(refused).toBeGreaterThan(0);
});
