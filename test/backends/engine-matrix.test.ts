import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { describe, expect, test } from 'vitest';

import type { Guard } from '../../src/index.js';
import { acquire } from '../../src/locks/acquire.js';
import { breakLock } from '../../src/locks/manage.js';
import { startCli } from '../support/cli.js';
import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { connectPostgres } from '../support/postgres-client.js';
import { connectRedis } from '../support/redis-client.js';
import { until } from '../support/ports.js';

const LEASE_MS = 3_000;
const LEASE = { leaseDurationMs: LEASE_MS, timeoutMs: 60_000 } as const;

/** What becomes of each role. A code: the call rejects with it. */
interface Outcomes {
  readonly holder: 'held' | 'lost';
  readonly permit: 'held' | 'lost';
  /** Waits behind a holder that releases afterwards. */
  readonly waiter: RegExp;
  /** `run --stand-by`, which has never led, behind a leader that releases afterwards. */
  readonly spare: 'leads' | 'stands by';
  /** Of the holder's hold, afterwards. */
  readonly breaker: RegExp;
}

interface Server extends AsyncDisposable {
  readonly url: string;
}

interface Situation<S extends Server> {
  readonly name: string;
  readonly start: () => Promise<S>;
  happen(server: S): Promise<unknown>;
  readonly outcomes: Outcomes;
}

const GRANTED = /^granted$/;
const GOES_ON = { holder: 'held', permit: 'held', spare: 'leads', breaker: /^true$/ } as const;
const IS_LOST = { holder: 'lost', permit: 'lost', spare: 'leads', breaker: /^false$/ } as const;
const TOLD = /^HOLDFAST_(BACKEND_UNAVAILABLE|UNCONFIRMED|CONFIG_MISMATCH)$/;
const SHUT_OUT = { holder: 'lost', permit: 'lost', spare: 'stands by', waiter: TOLD, breaker: TOLD } as const;

async function asAdmin(url: string, ...commands: (readonly string[])[]): Promise<void> {
  const redis = await connectRedis(url);
  for (const command of commands) await redis.sendCommand(command).catch(() => undefined);
  redis.destroy();
}

const inRedis: readonly Situation<Awaited<ReturnType<typeof startRedis>>>[] = [
  {
    name: 'restarts with its data',
    start: () => startRedis('--appendonly', 'yes', '--appendfsync', 'always'),
    happen: (server) => server.restart(),
    outcomes: { ...GOES_ON, waiter: GRANTED },
  },
  {
    name: 'restarts without its data',
    start: () => startRedis(),
    happen: (server) => server.restart(),
    outcomes: { ...IS_LOST, waiter: GRANTED },
  },
  {
    name: 'ends all connections',
    start: () => startRedis(),
    happen: ({ url }) =>
      asAdmin(
        url,
        ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
        ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
      ),
    outcomes: { ...GOES_ON, waiter: GRANTED },
  },
  {
    name: 'gets another password, and ends all connections',
    start: () => startRedis(),
    happen: ({ url }) =>
      asAdmin(
        url,
        ['CONFIG', 'SET', 'requirepass', 'new'],
        ['CLIENT', 'KILL', 'TYPE', 'pubsub'],
        ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'],
      ),
    outcomes: SHUT_OUT,
  },
];

const inEtcd: readonly Situation<Awaited<ReturnType<typeof startEtcd>>>[] = [
  {
    name: 'restarts with its data',
    start: () => startEtcd(),
    happen: ({ members }) => members[0]?.restart() ?? Promise.resolve(),
    outcomes: { ...GOES_ON, waiter: GRANTED },
  },
];

const inPostgres: readonly Situation<Awaited<ReturnType<typeof startPostgres>>>[] = [
  {
    name: 'restarts',
    start: () => startPostgres(),
    happen: (server) => server.restart(),
    outcomes: { ...IS_LOST, waiter: GRANTED },
  },
  {
    name: 'ends all sessions',
    start: () => startPostgres(),
    happen: async ({ url }) => {
      const admin = await connectPostgres(url);
      await admin.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()',
      );
      await admin.end();
    },
    outcomes: { ...IS_LOST, waiter: GRANTED },
  },
  {
    name: 'makes new sessions read-only',
    start: () => startPostgres(),
    happen: async ({ url }) => {
      const admin = await connectPostgres(url);
      await admin.query('ALTER SYSTEM SET default_transaction_read_only = on');
      await admin.query('SELECT pg_reload_conf()');
      await admin.end();
    },
    outcomes: { ...GOES_ON, waiter: GRANTED },
  },
];

describe.each([
  ['redis', '?db=0', inRedis],
  ['etcd', '/other', inEtcd],
  ['postgres', '?application_name=other', inPostgres],
] as const)('a server of %s', (_engine, other, situations) => {
  test.each(situations as readonly Situation<Server>[])('$name', { timeout: 240_000 }, async (situation) => {
    await using server = await situation.start();
    const outcomes = await play(situation, server, other);
    expect(outcomes).toEqual({
      ...situation.outcomes,
      waiter: expect.stringMatching(situation.outcomes.waiter) as string,
      breaker: expect.stringMatching(situation.outcomes.breaker) as string,
      // The command's own end; a spare that stands by is ended as any process.
      exitCode: situation.outcomes.spare === 'leads' ? 143 : null,
    });
  });
});

async function play(situation: Situation<Server>, server: Server, other: string) {
  const here = (name: string): string => `${server.url}#${name}`;
  const elsewhere = (name: string): string => `${server.url}${other}#${name}`;
  const [holder, permit, ahead, leader] = await Promise.all([
    acquire(here('holder'), LEASE),
    acquire(here('permits'), { ...LEASE, permits: 2 }),
    acquire(here('queue'), LEASE),
    acquire(here('lead'), LEASE),
  ]);
  const lost = [isLost(holder), isLost(permit)];
  const waiting = outcomeOf(
    acquire(elsewhere('queue'), LEASE).then((guard) => guard.release()),
    'granted',
  );
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-matrix-'));
  const args = ['run', '--stand-by', '--lease', `${LEASE_MS}ms`, elsewhere('lead')];
  const spare = startCli(directory, [...args, '--', 'sh', '-c', 'echo leads; exec sleep 600']);
  let output = '';
  let errors = '';
  spare.process.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  spare.process.stderr?.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  await until('the spare waits', () => errors.includes('waiting') || errors.includes('held'));

  await situation.happen(server);
  // As long as a hold is believed without the server, and a little more.
  await delay(LEASE_MS * 1.2);
  const [holderIsLost, permitIsLost] = lost.map((look) => look());
  const breaker = await outcomeOf(breakLock(here('holder'), holder.holderId).then(String));
  await Promise.all([ahead, leader].map((guard) => guard.release().catch(() => undefined)));
  const leads = situation.outcomes.spare === 'leads';
  if (leads)
    await until('the spare leads', () => output.includes('leads') || spare.process.exitCode !== null);
  const waiter = await waiting;
  spare.process.kill('SIGTERM');
  const { code } = await spare.ended;
  await Promise.all([holder, permit].map((guard) => guard.release().catch(() => undefined)));
  rmSync(directory, { recursive: true, force: true });
  return {
    holder: holderIsLost === true ? 'lost' : 'held',
    permit: permitIsLost === true ? 'lost' : 'held',
    waiter,
    spare: output.includes('leads') ? 'leads' : 'stands by',
    breaker,
    exitCode: code,
  };
}

function isLost(guard: Guard): () => boolean {
  return () => {
    try {
      guard.assertHeld();
      return false;
    } catch {
      return true;
    }
  };
}

function outcomeOf(work: Promise<unknown>, value?: string): Promise<string> {
  return work.then(
    (result) => value ?? String(result),
    (error: { code?: string }) => error.code ?? String(error),
  );
}
