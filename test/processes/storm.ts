import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { onTestFinished } from 'vitest';

import { hostNow } from '../../src/platform/clock.js';
import { overlapsOf, type HoldInterval } from '../../dist/testing/index.js';
import { seeded } from './random.mjs';
import { temporaryDirectory } from './observe.js';

const worker = fileURLToPath(new URL('storm-worker.mjs', import.meta.url));

export interface StormFigures {
  readonly seconds: number;
  readonly seed: number;
  readonly exclusive: number;
  readonly shared: number;
  readonly canceled: number;
  readonly timedOut: number;
  readonly kills: number;
  readonly killedInAHold: number;
  readonly stops: number;
  readonly overlaps: number;
  readonly failures: readonly string[];
  /** Longest time in which nobody at all began a hold. */
  readonly longestPauseMs: number;
  /** How much later than asked for the judge itself was woken, at worst: how busy the machine was with other things. */
  readonly longestStallMs: number;
}

interface Life {
  readonly child: ChildProcess;
  readonly journal: string;
  killedAt: number;
}

class Storm {
  readonly lock: string;
  readonly lives: Life[] = [];
  readonly #current: Life[] = [];
  readonly #folder = temporaryDirectory();
  readonly #random: () => number;
  kills = 0;
  stops = 0;
  longestStallMs = 0;

  constructor(seed: number, processes: number) {
    this.#random = seeded(seed) as () => number;
    this.lock = join(this.#folder, 'storm.lock');
    onTestFinished(() => {
      for (const life of this.#current) life.child.kill('SIGKILL');
    });
    for (let slot = 0; slot < processes; slot++) this.#start(slot);
  }

  async blow(seconds: number): Promise<void> {
    const endsAt = performance.now() + seconds * 1_000;
    const pending: Promise<void>[] = [];
    while (performance.now() < endsAt) {
      const delayMs = 10 + this.#random() * 50;
      const wakesAt = performance.now() + delayMs;
      await sleep(delayMs);
      this.longestStallMs = Math.max(this.longestStallMs, performance.now() - wakesAt);
      const slot = Math.floor(this.#random() * this.#current.length);
      if (this.#random() < 0.25) await this.#kill(slot);
      else pending.push(this.#stop(slot));
    }
    await Promise.all(pending);
    await Promise.all(this.#current.map((_, slot) => this.#kill(slot, false)));
  }

  #start(slot: number): void {
    const journal = join(this.#folder, `journal-${this.lives.length}`);
    const seed = String(Math.floor(this.#random() * 2 ** 31));
    const child = spawn(process.execPath, [worker, this.lock, journal, seed], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    const life = { child, journal, killedAt: Infinity };
    this.lives.push(life);
    this.#current[slot] = life;
  }

  async #kill(slot: number, isReplaced = true): Promise<void> {
    const life = this.#current[slot] as Life;
    const ended = new Promise((resolve) => life.child.once('exit', resolve));
    if (life.child.exitCode !== null || life.child.signalCode !== null) return;
    // From before the signal: it lived until then at least.
    life.killedAt = hostNow();
    life.child.kill('SIGKILL');
    if (!isReplaced) return void (await ended);
    this.kills++;
    this.#start(slot);
  }

  async #stop(slot: number): Promise<void> {
    const { child } = this.#current[slot] as Life;
    this.stops++;
    child.kill('SIGSTOP');
    await sleep(this.#random() * 150);
    child.kill('SIGCONT');
  }
}

/** A hold that has no end in its journal lasted until its process was killed, or longer. */
function holdsOf(
  life: Life,
  holder: string,
): { holds: HoldInterval[]; letters: string; errors: string[]; open: number } {
  const holds: HoldInterval[] = [];
  const errors: string[] = [];
  let letters = '';
  let begun: { mode: HoldInterval['mode']; from: number } | undefined;
  let text = '';
  try {
    text = readFileSync(life.journal, 'utf8');
  } catch {
    // Killed before it opened its journal.
  }
  for (const line of text.split('\n')) {
    const [kind, first, second] = line.split(' ');
    if (kind === '+') begun = { mode: first as HoldInterval['mode'], from: Number(second) };
    if (kind === '-' && begun !== undefined) {
      holds.push({ holder, ...begun, to: Number(first) });
      begun = undefined;
    }
    if (kind === 'c' || kind === 't') letters += kind;
    if (kind === '!') errors.push(line);
  }
  if (begun !== undefined) holds.push({ holder, ...begun, to: life.killedAt });
  return { holds, letters, errors, open: begun === undefined ? 0 : 1 };
}

/** Eight processes, one lock: kills, stops, aborts, timeouts, both modes. Judged by what the processes wrote down. */
export async function storm(seconds: number, seed: number): Promise<StormFigures> {
  const blown = new Storm(seed, 8);
  await blown.blow(seconds);
  const journals = blown.lives.map((life, index) => holdsOf(life, String(index)));
  const holds = journals.flatMap((journal) => journal.holds).toSorted((a, b) => a.from - b.from);
  const letters = journals.map((journal) => journal.letters).join('');
  let longestPauseMs = 0;
  for (const [index, { from }] of holds.entries()) {
    longestPauseMs = Math.max(longestPauseMs, from - (holds[index - 1]?.from ?? from));
  }
  return {
    seconds,
    seed,
    exclusive: holds.filter(({ mode }) => mode === 'exclusive').length,
    shared: holds.filter(({ mode }) => mode === 'shared').length,
    canceled: letters.replaceAll('t', '').length,
    timedOut: letters.replaceAll('c', '').length,
    kills: blown.kills,
    killedInAHold: journals.reduce((sum, { open }) => sum + open, 0),
    stops: blown.stops,
    overlaps: overlapsOf(holds).length,
    failures: journals.flatMap(({ errors }) => errors),
    longestPauseMs: Math.round(longestPauseMs),
    longestStallMs: Math.round(blown.longestStallMs),
  };
}
