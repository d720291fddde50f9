import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import type { ContenderLine, ContenderOrder } from './contender.js';
import { soon } from './check.js';
import type { HoldInterval } from './intervals.js';
import type { Subject } from './subject.js';

/** A process that competes for a resource; see `contender`. */
export interface Contender {
  /** The process. */
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly lines: readonly ContenderLine[];
  /**
   * The first line of `type`, past or to come.
   *
   * @throws Error when the process exits without such a line.
   */
  next<T extends ContenderLine['type']>(type: T): Promise<Extract<ContenderLine, { type: T }>>;
  /**
   * Resolves with whether the process's guard passes `assertHeld()`.
   *
   * @throws Error when the process has exited.
   */
  askHeld(): Promise<boolean>;
  /** Sends a signal, and resolves when the process has exited if the signal ends it. Never throws. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Resolves with its exit code, null after a signal. */
  exited: Promise<number | null>;
}

const SCRIPT = new URL('./contender.js', import.meta.url);

/**
 * Starts a process that acquires a lock of the subject's backend and prints a line for each step.
 *
 * @throws the system's error when no process can be started.
 */
export function startContender(subject: Subject, order: Omit<ContenderOrder, 'leaseDurationMs'>): Contender {
  const full: ContenderOrder = { ...order, leaseDurationMs: leaseOf(subject) };
  const child = spawn(process.execPath, [fileURLToPath(SCRIPT), subject.module.href, JSON.stringify(full)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines: ContenderLine[] = [];
  const listeners = new Set<() => void>();
  const reader = createInterface({ input: child.stdout as NonNullable<typeof child.stdout> });
  reader.on('line', (text) => {
    lines.push(JSON.parse(text) as ContenderLine);
    for (const listener of listeners) listener();
  });
  const exited = once(child, 'close').then(([code]) => code as number | null);
  void exited.then(() => {
    for (const listener of listeners) listener();
  });

  function lineAfter<T extends ContenderLine['type']>(
    type: T,
    seen: number,
  ): Promise<Extract<ContenderLine, { type: T }>> {
    return soon(
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = lines.slice(seen).find((line) => line.type === type);
          const hasEnded = child.exitCode !== null || child.signalCode !== null;
          if (found === undefined && !hasEnded) return;
          listeners.delete(look);
          if (found === undefined) reject(new Error(`a contender ended before it said "${type}"`));
          else resolve(found as Extract<ContenderLine, { type: T }>);
        };
        listeners.add(look);
        look();
      }),
      `"${type}" from a contender`,
    );
  }

  return {
    child,
    lines,
    exited,
    next: (type) => lineAfter(type, 0),
    askHeld: async () => {
      const seen = lines.length;
      child.stdin?.write('?');
      return (await lineAfter('asserted', seen)).isHeld;
    },
    kill: async (signal) => {
      child.kill(signal);
      if (signal === 'SIGKILL' || signal === 'SIGTERM') await exited;
    },
  };
}

/** Lets `count` processes take turns and returns every hold they saw. */
export async function race(
  subject: Subject,
  resource: string,
  orders: readonly Omit<ContenderOrder, 'leaseDurationMs' | 'resource' | 'task'>[],
): Promise<readonly HoldInterval[]> {
  const contenders = orders.map((order) => startContender(subject, { resource, task: 'loop', ...order }));
  const codes = await soon(Promise.all(contenders.map(({ exited }) => exited)), 'the end of a race');
  if (codes.some((code) => code !== 0)) throw new Error(`contenders ended with ${codes.join(', ')}`);
  return contenders.flatMap(({ lines }) => lines.filter((line) => line.type === 'interval'));
}

export function leaseOf(subject: Subject): number {
  return subject.leaseDurationMs ?? 3_000;
}
