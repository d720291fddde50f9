import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';

import { whenFinished } from './finish.js';
import { isZombie, readProcessStat } from '../../src/platform/process-stat.js';
import { hangMs } from './time.js';

/** Polls a state until it is there; throws when it does not come within {@link hangMs}. */
export async function eventually<T>(
  what: string,
  read: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = hangMs,
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await read();
    if (value !== undefined && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`never happened: ${what}`);
    await delay(5);
  }
}

export interface TestChild {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string }>;
  /** Everything it printed so far. */
  stdout(): string;
  /** Resolves with the first complete line that matches. */
  line(pattern: RegExp, withinMs?: number): Promise<RegExpExecArray>;
}

/** Starts a program whose whole process group is killed when the test ends. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): TestChild {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
    ...options,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} did not start`);
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  const exited = new Promise<{ code: number | null; signal: NodeJS.Signals | null; stdout: string }>(
    (resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout: text })),
  );
  whenFinished(() => killGroup(pid));
  const line = (pattern: RegExp, withinMs?: number): Promise<RegExpExecArray> => {
    const read = (): RegExpExecArray | undefined => {
      const complete = text.slice(0, text.lastIndexOf('\n') + 1);
      return complete.split('\n').reduce<RegExpExecArray | undefined>((hit, candidate) => {
        return hit ?? pattern.exec(candidate) ?? undefined;
      }, undefined);
    };
    return eventually(`${command} prints ${pattern}`, read, withinMs);
  };
  return { process: child, pid, exited, stdout: () => text, line };
}

export function startShell(script: string, options: SpawnOptions = {}): TestChild {
  return start('sh', ['-c', script], options);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Already gone.
  }
}

/** Kills one process that the test started, when the test ends. */
export function killAfterTest(pid: number): void {
  const startTime = readProcessStat(pid)?.startTime;
  whenFinished(() => {
    if (startTime !== undefined && readProcessStat(pid)?.startTime === startTime)
      process.kill(pid, 'SIGKILL');
  });
}

/** True once the process is gone or only waits to be reaped: no thread of it has a descriptor any more. */
export function isGone(pid: number): boolean {
  const stat = readProcessStat(pid);
  return stat === undefined || isZombie(stat);
}
