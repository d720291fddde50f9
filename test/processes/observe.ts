import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { whenFinished } from '../support/finish.js';
import { hangMs } from '../support/time.js';

export { hangMs };

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-'));
  whenFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** Asks again every millisecond until the answer is truthy. */
export async function until<T>(what: string, ask: () => T | Promise<T>): Promise<T> {
  const deadline = performance.now() + hangMs;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** The lines of /proc/locks about the file, by inode: device numbers differ on overlay file systems. */
export function lockLines(path: string): readonly string[] {
  const inode = String(statSync(path, { throwIfNoEntry: false })?.ino);
  const lines = readFileSync('/proc/locks', 'utf8').split('\n');
  return lines.filter((line) => line.split(/\s+/).some((field) => field.split(':')[2] === inode));
}

export function isWaiting(path: string, pid: number | undefined): boolean {
  return lockLines(path).some((line) => line.includes('-> FLOCK') && line.includes(` ${pid} `));
}

export interface Running {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The next line of its standard output; rejects when it ends first. */
  line(): Promise<string>;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

export function run(command: string, args: readonly string[]): Running {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  whenFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  const line = async () => {
    const next = await lines.next();
    if (next.done) throw new Error(`${command} ended with ${await ended}`);
    return next.value;
  };
  return { child, pid: child.pid ?? 0, line, ended };
}

const driver = fileURLToPath(new URL('native-driver.mjs', import.meta.url));

/** A process that loads the addon and nothing else of this package; see native-driver.mjs. */
export function drive(action: string, ...args: readonly string[]): Running {
  return run(process.execPath, [driver, action, ...args]);
}
