import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

import { overlapsOf, type HoldInterval } from '../../dist/testing/index.js';
import { testDirectory } from '../support/directory.js';
import { seeded } from './random.mjs';

const WORKER = fileURLToPath(new URL('names-worker.mjs', import.meta.url));

/** Of locks that are held under random names. Each kind has its own ways; `flock` also holds shared. */
export const NAMES_KINDS = ['flock', 'permits', 'lease', 'git'] as const;
export type NamesKind = (typeof NAMES_KINDS)[number];
export const PERMITS = 3;

export interface NamesFigures {
  readonly holds: number;
  readonly kills: number;
  readonly stops: number;
  readonly overlaps: number;
  /** Exclusive holds whose token was not above that of the hold before. */
  readonly reversals: number;
  readonly failures: readonly string[];
}

/** The longest stop of a worker: for a lease beyond its end, so that its holder is taken over. */
const STOP_MS: Readonly<Record<NamesKind, number>> = { flock: 200, permits: 200, lease: 3_000, git: 500 };

/** Six processes hold three locks by several names each, while they are killed, stopped and replaced at random. */
export async function namesUnderKills(kind: NamesKind, seconds: number, seed: number): Promise<NamesFigures> {
  const folder = testDirectory();
  for (const name of ['real', 'journals']) mkdirSync(join(folder, name));
  symlinkSync('real', join(folder, 'alias'));
  if (kind === 'git') makeClones(folder);
  const random = seeded(seed) as () => number;
  const workers: ChildProcess[] = [];
  let started = 0;
  const start = (slot: number): void => {
    const journal = join(folder, 'journals', String(++started));
    const args = [WORKER, kind, folder, journal, String(Math.floor(random() * 1e9))];
    workers[slot] = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  };
  const killAll = (): void => {
    for (const worker of workers) worker.kill('SIGKILL');
  };
  onTestFinished(killAll);
  for (let slot = 0; slot < 6; slot++) start(slot);
  let [kills, stops] = [0, 0];
  for (const endsAt = performance.now() + seconds * 1_000; performance.now() < endsAt;) {
    await sleep(300 + random() * 1_000);
    const slot = Math.floor(random() * workers.length);
    if (random() < (kind === 'git' ? 0.15 : 0.4)) {
      kills++;
      workers[slot]?.kill('SIGKILL');
      start(slot);
    } else {
      stops++;
      workers[slot]?.kill('SIGSTOP');
      await sleep(random() * STOP_MS[kind]);
      workers[slot]?.kill('SIGCONT');
    }
  }
  killAll();
  return { kills, stops, ...judge(kind, join(folder, 'journals')) };
}

/** A remote with two clones, which call it `origin`, and by its path. */
function makeClones(folder: string): void {
  const git = (...args: string[]): void => void execFileSync('git', args, { cwd: folder, stdio: 'ignore' });
  git('init', '--bare', 'remote.git');
  for (const name of ['clone0', 'clone1']) {
    git('clone', 'remote.git', name);
    git('-C', name, 'config', 'user.name', name);
    git('-C', name, 'config', 'user.email', `${name}@example.test`);
  }
}

interface Line {
  readonly id?: string;
  readonly mode: 'exclusive' | 'shared';
  readonly at: number;
  readonly token: string;
  readonly failure?: string;
}

function judge(kind: NamesKind, journals: string): Omit<NamesFigures, 'kills' | 'stops'> {
  const failures: string[] = [];
  const holds = new Map<string, HoldInterval>();
  for (const line of readdirSync(journals).flatMap((name) => linesOf(join(journals, name)))) {
    const { id, mode, at, token, failure } = line;
    if (failure !== undefined) failures.push(failure);
    if (id === undefined) continue;
    holds.set(id, { holder: id, mode, from: holds.get(id)?.from ?? at, to: at, token });
  }
  const all = [...holds.values()];
  let [overlaps, reversals] = [0, 0];
  for (const resource of new Set(all.map(({ holder }) => holder.slice(0, 1)))) {
    const intervals = all.filter(({ holder }) => holder.startsWith(resource));
    overlaps += kind === 'permits' ? beyondPermits(intervals) : overlapsOf(intervals).length;
    const numbered = intervals
      .filter(({ token }) => token !== undefined && token !== '')
      .toSorted((a, b) => a.from - b.from);
    for (const [i, { token }] of numbered.entries()) {
      const before = numbered[i - 1]?.token;
      if (before !== undefined && BigInt(token ?? 0) <= BigInt(before)) reversals++;
    }
  }
  return { holds: holds.size, overlaps, reversals, failures };
}

/** Holds that began while all permits were held. */
function beyondPermits(intervals: readonly HoldInterval[]): number {
  let active: HoldInterval[] = [];
  let beyond = 0;
  for (const hold of intervals.toSorted((a, b) => a.from - b.from)) {
    active = [...active.filter(({ to }) => to > hold.from), hold];
    if (active.length > PERMITS) beyond++;
  }
  return beyond;
}

function linesOf(path: string): Line[] {
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => JSON.parse(line) as Line);
}
