import { type ChildProcess, spawn } from 'node:child_process';

import { processStartTime } from '../platform/identity.js';
import type { ChildEnd } from './children.js';
import { forwardSignals } from './signals.js';
import { explainSpawnFailure } from './children.js';

export interface ChildRequest {
  /** Looked up on the child's PATH, unless it has a slash. Never a shell's. */
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** The whole environment; default this process's own. */
  readonly env?: NodeJS.ProcessEnv;
  /** What `inheritedDescriptors` returned; each reaches the child at its own number. */
  readonly inherited?: readonly number[];
  /** Reaches the child at its own number, which is free there, for it is taken here. */
  readonly lockDescriptor?: number;
}

export interface RunningChild {
  /** undefined when it did not start. */
  readonly pid: number | undefined;
  /** With the pid, what `terminateTree` wants. */
  readonly startTime: number | undefined;
  /**
   * Resolves when the child has ended and was waited for, whoever may still run below it; never rejects.
   * Until then this process survives every signal that can be survived. A child that a real-time signal
   * ended reads as exited with 0: Node keeps that from us.
   */
  readonly ended: Promise<ChildEnd>;
  /** false once it has ended: its pid may be somebody else's by then. */
  kill(signal: NodeJS.Signals): boolean;
}

/**
 * Starts `command` as a good parent would: in the same process group and terminal, with the same standard
 * streams and inherited descriptors, forwarding signals by the policy of {@link forwardSignals}.
 *
 * Node resets every signal disposition at start and in its children: a HUP that `nohup` made ignored
 * ends the child.
 */
export function startChild(request: ChildRequest): RunningChild {
  const { command, args, cwd, env = process.env } = request;
  // Before the spawn, so that no signal finds a child without a parent; they are delivered by the event loop, after it.
  let send: (signal: NodeJS.Signals) => boolean = () => false;
  const stopForwarding = forwardSignals((signal) => send(signal));
  const notStarted = (cause: unknown): ChildEnd => {
    stopForwarding();
    return explainSpawnFailure(cause as NodeJS.ErrnoException, command, cwd, env);
  };
  let child: ChildProcess;
  try {
    child = spawn(command, args, { env, stdio: stdioOf(request), ...(cwd === undefined ? {} : { cwd }) });
  } catch (error) {
    return {
      pid: undefined,
      startTime: undefined,
      ended: Promise.resolve(notStarted(error)),
      kill: () => false,
    };
  }
  send = (signal) => child.kill(signal);
  const ended = new Promise<ChildEnd>((resolve) => {
    // Also emitted when a signal could not be sent; then the child is there and its exit still to come.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(notStarted(error));
    });
    child.once('exit', (code, signal) => {
      stopForwarding();
      resolve(signal === null ? { kind: 'exited', code: code ?? 0 } : { kind: 'signaled', signal });
    });
  });
  const startTime = child.pid === undefined ? undefined : processStartTime(child.pid);
  return { pid: child.pid, startTime, ended, kill: (signal) => child.kill(signal) };
}

/** A gap is 'ignore', which from index 3 on opens nothing. */
function stdioOf({ inherited = [], lockDescriptor }: ChildRequest): ('inherit' | 'ignore' | number)[] {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  const passed = lockDescriptor === undefined ? inherited : [...inherited, lockDescriptor];
  for (const fd of passed) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (fd >= 3) stdio[fd] = fd;
  }
  return stdio;
}
