import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { listPids } from '../../src/platform/process-stat.js';
import { testDirectory } from '../support/directory.js';
import { fullDisk } from '../support/full-disk.js';
import { cleanEnvironment, HOLDFAST } from '../support/holdfast.js';
import { otherHost, thisHost } from '../support/hosts.js';
import { eventually } from '../support/processes.js';

const WORKER = fileURLToPath(new URL('run-worker.c', import.meta.url));
const CLOSED_TERMINAL = fileURLToPath(new URL('closed-terminal.py', import.meta.url));

/** What is under the wrappers' stderr. */
export type Stderr = 'nothing' | 'full disk' | 'closed terminal';

export interface Contest {
  /** Behind `run`: flags and the address. */
  readonly words: readonly string[];
  readonly stderr: Stderr;
  /** A command works for a random time up to this. */
  readonly longestMs: number;
}

/** A wrapper that has the lock now, and its command. Numbers are those of this host, on whichever host they are. */
export interface Holder {
  readonly wrapper: number;
  readonly command: number;
}

export interface Contenders {
  readonly directory: string;
  holders(): readonly Holder[];
  /** Wrappers that start, wait, hold or end. */
  wrappers(): readonly number[];
  /** By what the commands themselves wrote down. */
  intervals(): readonly Interval[];
  /** Ends them all, and waits for every command. */
  end(): Promise<void>;
}

export interface Interval {
  readonly holder: string;
  readonly from: bigint;
  readonly to: bigint;
}

/** Loops of `holdfast run WORDS` for as long as the test: two on this host, one on another. */
export async function startContenders({ words, stderr, longestMs }: Contest): Promise<Contenders> {
  const directory = testDirectory();
  const log = join(directory, 'log');
  writeFileSync(log, '');
  const worker = join(directory, 'run-worker');
  execFileSync(process.env['CC'] ?? 'cc', ['-O1', '-o', worker, WORKER]);
  const run = [
    process.execPath,
    HOLDFAST,
    'run',
    '--verbose',
    ...words,
    '--',
    worker,
    log,
    String(longestMs),
  ];
  const [redirection, prefix] = surroundings(stderr);
  const loop = `while :; do "$@" >/dev/null ${redirection}; sleep 0.0$((RANDOM % 10)); done`;
  const command = [...prefix, 'bash', '-c', loop, 'bash', ...run];
  const here = thisHost(directory);
  const hosts = [here, here, await otherHost(directory)];
  const options = { env: cleanEnvironment(), stdio: 'ignore' } as const;
  const loops = await Promise.all(hosts.map((host) => host.exec(command, options)));
  const wrappers = (): number[] => loops.flatMap(childrenOf).filter((pid) => commOf(pid) !== 'sleep');
  return {
    directory,
    wrappers,
    holders: () =>
      wrappers().flatMap((wrapper) => {
        const below = childrenOf(wrapper).flatMap((pid) => [pid, ...childrenOf(pid)]);
        const command = below.find((pid) => commOf(pid) === 'run-worker');
        return command === undefined ? [] : [{ wrapper, command }];
      }),
    intervals: () => intervalsOf(readFileSync(log, 'latin1')),
    end: async () => {
      for (const pid of [...loops, ...wrappers()]) signal(pid, 'SIGKILL');
      await eventually('every command ends', () => !listPids().some((pid) => programOf(pid) === worker));
    },
  };
}

/** False when it was gone already. */
export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false;
  }
}

function programOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined;
  }
}

/** The shell's redirection of stderr, and what the loop is started by. */
function surroundings(stderr: Stderr): readonly [string, readonly string[]] {
  switch (stderr) {
    case 'nothing':
      return ['2>/dev/null', []];
    case 'full disk':
      return [`2>>${fullFile()}`, []];
    case 'closed terminal':
      return ['', ['python3', CLOSED_TERMINAL]];
  }
}

/** Nothing can be appended to it, however often what appends is started. */
function fullFile(): string {
  const path = join(fullDisk(16).directory, 'err');
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  } finally {
    closeSync(file);
  }
  return path;
}

function childrenOf(pid: number): number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`).trim();
  return text === '' ? [] : text.split(' ').map(Number);
}

function commOf(pid: number): string {
  return read(`/proc/${pid}/comm`).trim();
}

/** The environment of a living process has it. */
export function holderIdOf({ command }: Holder): string | undefined {
  return /\0HOLDFAST_HOLDER=([^\0]+)/.exec(`\0${read(`/proc/${command}/environ`)}`)?.[1];
}

/** Empty when the process has ended. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}

function intervalsOf(log: string): Interval[] {
  const spans = new Map<string, Interval>();
  for (const line of log.split('\n').slice(0, -1)) {
    const [, holder = '', text = ''] = /^(\S+) (\d+)$/.exec(line) ?? [];
    if (holder === '') throw new Error(`the log has a torn line: ${line}`);
    const at = BigInt(text);
    const { from, to } = spans.get(holder) ?? { from: at, to: at };
    spans.set(holder, { holder, from: at < from ? at : from, to: at > to ? at : to });
  }
  return [...spans.values()].sort((a, b) => (a.from < b.from ? -1 : 1));
}

/** Every moment at which more than `permits` worked at the same time. */
export function overlapsOf(intervals: readonly Interval[], permits = 1): readonly string[] {
  let open: Interval[] = [];
  return intervals.flatMap((interval) => {
    open = [...open.filter(({ to }) => to > interval.from), interval];
    if (open.length <= permits) return [];
    return [open.map(({ holder, from, to }) => `${holder} from ${from} to ${to}`).join(', ')];
  });
}
