import { type ChildProcess, spawn } from 'node:child_process';

import type { Clock, Timer } from '../core/time.js';
import { systemClock } from '../platform/clock.js';
import { processStartTime } from '../platform/identity.js';
import { isProcOurs } from '../platform/process-stat.js';
import { captureOutput } from './output.js';
import { resolveProgram } from './program.js';
import { terminateTree, trackTree, type TreeRoot, trySignal } from './tree.js';

export const DEFAULT_MAX_OUTPUT_BYTES = 16 * 1024 * 1024;
export const EXEC_GRACE_MS = 500;

/** How long output may trail behind a tree that was ended, before its pipes are closed. */
const DRAIN_MS = 200;

export interface ExecOptions {
  readonly cwd?: string;
  /** The whole environment; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** Written to its standard input, which is /dev/null otherwise. */
  readonly input?: string | Uint8Array;
  /** Until the whole process tree is ended: TERM, {@link EXEC_GRACE_MS}, KILL. Infinity for never. */
  readonly timeoutMs: number;
  /**
   * Milliseconds for which output is still read once the program itself has ended while another process keeps it open.
   * What the program wrote is read in any case. Default Infinity.
   */
  readonly outlivedMs?: number;
  /** Programs that detach themselves from the tree may live on, even in its process group. Default: they are ended with it. */
  readonly isFamilyOnly?: boolean;
  /** Ends the tree likewise; the call then rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Kept of stdout and of stderr, each its tail. Default {@link DEFAULT_MAX_OUTPUT_BYTES}. */
  readonly maxOutputBytes?: number;
  /** Must not throw; likewise onStderrLine. */
  readonly onStdoutLine?: (line: string) => void;
  readonly onStderrLine?: (line: string) => void;
  /** Called with the pid as soon as there is one. */
  readonly onStart?: (pid: number) => void;
  readonly clock?: Clock;
}

export interface ExecResult {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The deadline passed before it and its output had ended. `code` may be 0: a descendant kept the output open. */
  readonly isTimedOut: boolean;
  /** A descendant kept the output open for longer than `outlivedMs`, and goes on. */
  readonly isOutlived: boolean;
  /** Output exceeded `maxOutputBytes` and lost its beginning. */
  readonly isTruncated: boolean;
}

/**
 * Runs a program to its end in a process group of its own, without a terminal and without a shell, and
 * resolves once it and its output have ended, whatever its exit code.
 *
 * @throws the errno of the spawn when it cannot be started; `signal.reason` after an abort, once the tree is gone.
 * Not guaranteed: descendants that close their output and outlive a program that ends by itself are left alone.
 */
export async function execFile(
  file: string,
  args: readonly string[],
  options: ExecOptions,
): Promise<ExecResult> {
  options.signal?.throwIfAborted();
  const { env = process.env, cwd } = options;
  const program = resolveProgram(file, args, { env, cwd });
  const child = spawn(program.file, program.args, {
    windowsVerbatimArguments: program.windowsVerbatimArguments === true,
    detached: process.platform !== 'win32',
    windowsHide: true,
    stdio: [options.input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.env === undefined ? {} : { env: options.env }),
  });
  const { pid } = child;
  if (pid === undefined) return rejectionOf(child);
  options.onStart?.(pid);
  const root: TreeRoot = {
    pid,
    startTime: processStartTime(pid),
    leadsGroup: process.platform !== 'win32',
    isFamilyOnly: options.isFamilyOnly === true,
  };
  const untrack = endWithThisProcess(root);
  try {
    return await superviseToEnd(child, root, options);
  } finally {
    untrack();
  }
}

async function superviseToEnd(
  child: ChildProcess,
  root: TreeRoot,
  options: ExecOptions,
): Promise<ExecResult> {
  const { clock = systemClock, maxOutputBytes = DEFAULT_MAX_OUTPUT_BYTES, signal } = options;
  if (child.stdout === null || child.stderr === null) throw new Error('spawned without pipes');
  const stdout = captureOutput(child.stdout, maxOutputBytes, options.onStdoutLine);
  const stderr = captureOutput(child.stderr, maxOutputBytes, options.onStderrLine);
  const closed = new Promise<'closed'>((resolve) => child.once('close', () => resolve('closed')));
  child.on('error', () => undefined);
  // A program need not read its input: EPIPE is its answer, not an error.
  child.stdin?.on('error', () => undefined).end(options.input);

  const outlived = exitedFor(child, options.outlivedMs ?? Infinity, clock);
  const ended = Promise.race([closed, outlived.passed]);
  const cause = await firstOf(ended, options.timeoutMs, clock, signal);
  if (cause === 'outlived') {
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
    child.unref();
  } else if (cause !== 'closed') {
    await terminateTree(root, EXEC_GRACE_MS, clock);
    if ((await firstOf(ended, DRAIN_MS, clock)) !== 'closed') {
      for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy();
      // Unless it sits in an uninterruptible system call; then it is left to the kernel.
      if ((await firstOf(closed, DRAIN_MS, clock)) !== 'closed') child.unref();
    }
  }
  outlived.cancel();
  if (cause === 'aborted') signal?.throwIfAborted();
  return {
    code: child.exitCode,
    signal: child.signalCode,
    stdout: stdout.text(),
    stderr: stderr.text(),
    isTimedOut: cause === 'timeout',
    isOutlived: cause === 'outlived',
    isTruncated: stdout.isTruncated || stderr.isTruncated,
  };
}

/**
 * Resolves `delayMs` after the program itself has ended, whatever process keeps its output open. Then what it left in its
 * pipes has been read: timers run before pipes are read, and in a process that stood still the event of the exit may come
 * before that of the output, so the loop turns once more.
 */
function exitedFor(
  child: ChildProcess,
  delayMs: number,
  clock: Clock,
): { readonly passed: Promise<'outlived'>; cancel(): void } {
  let timer: Timer | undefined;
  let isCanceled = delayMs === Infinity;
  const passed = new Promise<'outlived'>((resolve) => {
    child.once('exit', () => {
      if (!isCanceled) timer = clock.setTimer(delayMs, () => clock.yieldTurn(() => resolve('outlived')));
    });
  });
  return {
    passed,
    cancel: () => {
      isCanceled = true;
      timer?.clear();
    },
  };
}

function firstOf<T extends string>(
  ended: Promise<T>,
  timeoutMs: number,
  clock: Clock,
  signal?: AbortSignal,
): Promise<T | 'timeout' | 'aborted'> {
  return new Promise((resolve) => {
    const timer = timeoutMs === Infinity ? undefined : clock.setTimer(timeoutMs, () => settle('timeout'));
    const onAbort = (): void => settle('aborted');
    const settle = (outcome: T | 'timeout' | 'aborted'): void => {
      timer?.clear();
      signal?.removeEventListener('abort', onAbort);
      resolve(outcome);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    void ended.then(settle);
  });
}

function rejectionOf(child: ChildProcess): Promise<never> {
  return new Promise((_, reject) => child.once('error', reject));
}

const running = new Set<TreeRoot>();

/** A group of its own does not get the signals of this process's end; SIGKILL of this process still leaves it behind. */
function endWithThisProcess(root: TreeRoot): () => void {
  if (running.size === 0) process.on('exit', killRunning);
  running.add(root);
  return () => {
    running.delete(root);
    if (running.size === 0) process.off('exit', killRunning);
  };
}

function killRunning(): void {
  for (const root of running) {
    if (root.isFamilyOnly === true && isProcOurs()) {
      const tree = trackTree(root);
      tree.refresh();
      for (const pid of tree.living()) tree.signal(pid, 'SIGKILL');
    } else trySignal(root.leadsGroup === true ? -root.pid : root.pid, 'SIGKILL');
  }
}
