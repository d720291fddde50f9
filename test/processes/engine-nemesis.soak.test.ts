import { fork, type ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect, onTestFinished, test } from 'vitest';

import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';
import { connectRedis } from '../support/redis-client.js';

const WORKER = fileURLToPath(new URL('engine-nemesis.mjs', import.meta.url));
const LEASE_MS = 4_000;
const WORKERS = 5;
/** Minutes per engine: 10 before a release. */
const MINUTES = Number(process.env['HOLDFAST_NEMESIS_MINUTES'] ?? 2);

interface Hold {
  readonly from: number;
  readonly to: number;
  readonly token: bigint;
}

interface History {
  readonly holds: Hold[];
  readonly failures: Map<string, number>;
  readonly unhandled: string[];
}

type Message =
  | { readonly kind: 'hold'; readonly from: number; readonly to: number; readonly token: string }
  | { readonly kind: 'failed' | 'unreleased'; readonly code: string }
  | { readonly kind: 'unhandled'; readonly text: string };

/** Workers take turns on one lock while `disturb` does its worst, again and again; one of them is killed now and then. */
async function history(address: string, disturb: () => Promise<unknown>): Promise<History> {
  const told: History = { holds: [], failures: new Map(), unhandled: [] };
  const workers: ChildProcess[] = [];
  onTestFinished(() => workers.forEach((worker) => worker.kill('SIGKILL')));
  const start = (index: number): void => {
    const worker = fork(WORKER, [address, String(LEASE_MS)]);
    workers[index] = worker;
    worker.on('message', (message: Message) => {
      if (message.kind === 'hold') told.holds.push({ ...message, token: BigInt(message.token) });
      else if (message.kind === 'unhandled') told.unhandled.push(message.text);
      else told.failures.set(message.code, (told.failures.get(message.code) ?? 0) + 1);
    });
  };
  for (let index = 0; index < WORKERS; index++) start(index);
  const until = performance.now() + MINUTES * 60_000;
  for (let round = 0; performance.now() < until; round++) {
    await disturb();
    await delay(500 + Math.random() * 3_000);
    if (round % 3 !== 2) continue;
    const index = Math.floor(Math.random() * WORKERS);
    workers[index]?.kill('SIGKILL');
    start(index);
  }
  await delay(2 * LEASE_MS);
  return told;
}

/** Pairs of holds that were believed at the same time, and holds whose token is not above that of the hold before. */
function judged({ holds }: History): { overlaps: string[]; tokenReversals: number } {
  const sorted = holds.toSorted((a, b) => a.from - b.from);
  const overlaps: string[] = [];
  let tokenReversals = 0;
  for (const [index, hold] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before === undefined) continue;
    if (hold.token <= before.token) tokenReversals++;
    if (before.to > hold.from) overlaps.push(`${(before.to - hold.from).toFixed(0)} ms`);
  }
  return { overlaps, tokenReversals };
}

const oneOf = <T>(choices: readonly T[]): T => choices[Math.floor(Math.random() * choices.length)] as T;
const LIMIT = { timeout: (MINUTES + 3) * 60_000 };

function report(engine: string, told: History): void {
  const { overlaps, tokenReversals } = judged(told);
  const failures = JSON.stringify(Object.fromEntries(told.failures));
  process.stderr.write(
    `${engine}: ${MINUTES} min, ${told.holds.length} holds, ${overlaps.length} overlaps (${overlaps.join(', ')}), ${tokenReversals} token reversals, failures ${failures}\n`,
  );
}

test('redis with its data: restarts, pauses and cut connections let no two believe', LIMIT, async () => {
  await using server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always');
  const told = await history(`${server.url}#nemesis`, () =>
    oneOf([
      () => server.restart(),
      async () => {
        await server.process().pause();
        await delay(Math.random() * 5_000);
        server.process().resume();
      },
      async () => {
        const redis = await connectRedis(server.url);
        await redis.sendCommand(['SCRIPT', 'FLUSH']);
        await redis.sendCommand(['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes']);
        redis.destroy();
      },
    ])(),
  );
  report('redis', told);
  expect(judged(told)).toEqual({ overlaps: [], tokenReversals: 0 });
  expect(told.unhandled).toEqual([]);
});

test('postgres: restarts and terminated sessions let no two believe', LIMIT, async () => {
  await using server = await startPostgres();
  const told = await history(`${server.url}#nemesis`, () =>
    oneOf([
      () => server.restart(),
      async () => {
        const admin = await connectPostgres(server.url);
        await admin.query(
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'holdfast%' ORDER BY random() LIMIT 1",
        );
        await admin.end();
      },
    ])(),
  );
  report('postgres', told);
  expect(judged(told)).toEqual({ overlaps: [], tokenReversals: 0 });
  expect(told.unhandled).toEqual([]);
});

test('etcd: members that are killed or paused let no two believe', LIMIT, async () => {
  await using cluster = await startEtcd(3);
  const told = await history(`${cluster.url}#nemesis`, () => {
    const member = oneOf(cluster.members);
    return oneOf([
      () => member.restart(),
      async () => {
        await member.process().pause();
        await delay(Math.random() * 6_000);
        member.process().resume();
      },
    ])();
  });
  report('etcd', told);
  expect(judged(told)).toEqual({ overlaps: [], tokenReversals: 0 });
  expect(told.unhandled).toEqual([]);
});
