import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';

import { holdfast } from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';
import { hangMs } from '../support/time.js';
import {
  holderIdOf,
  overlapsOf,
  signal,
  startContenders,
  type Contenders,
  type Contest,
} from './run-contenders.js';

export interface Trial {
  /** Behind `run`: flags, then the address. */
  readonly words: readonly string[];
  /** How often the wrapper that holds the lock is killed, or stopped. */
  readonly rounds: number;
  /** Of the lock, or what one would be. */
  readonly leaseMs: number;
  readonly permits?: number;
  /** A killed holder's claim stays, and is broken by name each time. */
  readonly staysHeld?: boolean;
}

/** Each trouble at a lock of its own, all at once. */
export async function troubleWrappers(trialAt: (name: string) => Promise<Trial>): Promise<void> {
  const stderrs = ['nothing', 'full disk', 'closed terminal'] as const;
  await Promise.all([
    ...stderrs.map(async (stderr) => killWrappers(await trialAt(stderr.slice(0, 4)), stderr)),
    trialAt('stopped').then(stopWrappers),
  ]);
}

/**
 * Kills the wrapper that holds the lock at a random moment of its command, and in every third round also one that starts,
 * waits or ends. Fails if two commands ever worked at the same time, or if no other one follows.
 */
async function killWrappers(trial: Trial, stderr: Contest['stderr']): Promise<void> {
  const { words, rounds } = trial;
  const contenders = await startContenders({ words, stderr, longestMs: 1_000 });
  for (let killed = 0; killed < rounds;) {
    const holder = await nextHolder(contenders);
    await delay(Math.random() * 300);
    // A claim that stays would be in the way for good, and nothing here knows its name.
    if (trial.staysHeld !== true && Math.random() < 1 / 3) killOne(contenders);
    // It has ended by itself: another one.
    if (isGone(holder.command) || !signal(holder.wrapper, 'SIGKILL')) continue;
    killed++;
    if (trial.staysHeld === true) await breakAfter(holder, contenders, words);
  }
  await judge(contenders, trial);
}

/** Stops the wrapper that holds the lock, until its command has ended and longer than any lease lasts. */
async function stopWrappers(trial: Trial): Promise<void> {
  const { words, rounds } = trial;
  const contenders = await startContenders({ words, stderr: 'nothing', longestMs: 3 * trial.leaseMs });
  for (let stopped = 0; stopped < rounds;) {
    const holder = await nextHolder(contenders);
    await delay(Math.random() * 300);
    if (isGone(holder.command) || !signal(holder.wrapper, 'SIGSTOP')) continue;
    stopped++;
    await eventually('its command ends', () => isGone(holder.command));
    await delay(Math.random() * trial.leaseMs);
    signal(holder.wrapper, 'SIGCONT');
  }
  await judge(contenders, trial);
}

function nextHolder(contenders: Contenders): Promise<HolderWithId> {
  return eventually(
    'a command works',
    () => {
      const holders = contenders.holders();
      const holder = holders[Math.floor(Math.random() * holders.length)];
      const id = holder === undefined ? undefined : holderIdOf(holder);
      return holder === undefined || id === undefined ? undefined : { ...holder, id };
    },
    hangMs,
  );
}

type HolderWithId = ReturnType<Contenders['holders']>[number] & { readonly id: string };

function killOne(contenders: Contenders): void {
  const wrappers = contenders.wrappers();
  const one = wrappers[Math.floor(Math.random() * wrappers.length)];
  if (one !== undefined) signal(one, 'SIGKILL');
}

/** The claim of a killed wrapper stays, unless it was about to release it. */
async function breakAfter(
  holder: HolderWithId,
  { directory }: Contenders,
  words: readonly string[],
): Promise<void> {
  await eventually('the command is ended', () => isGone(holder.command));
  const address = words.at(-1) as string;
  const { code, stderr } = await holdfast(directory, ['break', '--force', address, '--holder', holder.id]);
  expect([0, 75], stderr).toContain(code);
}

/** Another command must follow the last round. */
async function judge(contenders: Contenders, { rounds, permits }: Trial): Promise<void> {
  await nextHolder(contenders);
  await eventually('it is recorded', () => contenders.intervals().length > rounds);
  await contenders.end();
  expect(overlapsOf(contenders.intervals(), permits)).toEqual([]);
}
