import { type ChildProcess, spawn } from 'node:child_process';

import { processStartTime } from '../platform/identity.js';
import { explainSpawnFailure, signalNumber, type ChildEnd } from './children.js';
import { forwardSignals } from './signals.js';

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
  /** Of the process that lives as long as the work; undefined when it did not start. */
  readonly pid: number | undefined;
  /** With the pid, what `terminateTree` wants. */
  readonly startTime: number | undefined;
  /** The command's own pid once it runs; undefined when it did not start. */
  readonly started: Promise<number | undefined>;
  /**
   * Resolves when the child has ended and was waited for, whatever may still run below it; never rejects.
   * Until then this process survives every signal that can be survived.
   */
  readonly ended: Promise<ChildEnd>;
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
    const end = Promise.resolve(notStarted(error));
    return { pid: undefined, startTime: undefined, started: Promise.resolve(undefined), ended: end };
  }
  send = (signal) => child.kill(signal);
  const ended = new Promise<ChildEnd>((resolve) => {
    // Also emitted when a signal could not be sent; then the child is there and its exit still to come.
    child.on('error', (error) => {
      if (child.pid === undefined) resolve(notStarted(error));
    });
    child.once('exit', (code, signal) => {
      stopForwarding();
      resolve(
        signal === null
          ? { kind: 'exited', code: code ?? 0 }
          : { kind: 'signaled', signal: signalNumber(signal) },
      );
    });
  });
  const { pid } = child;
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  return { pid, startTime, started: Promise.resolve(pid), ended };
}

/** A gap is 'ignore', which from index 3 on opens nothing. */
function stdioOf({ inherited = [], lockDescriptor }: ChildRequest): ('inherit' | 'ignore' | number)[] {
  return stdioWith(lockDescriptor === undefined ? inherited : [...inherited, lockDescriptor]);
}

/** The standard streams, and each of `passed` at its own number. */
export function stdioWith(passed: readonly number[]): ('inherit' | 'ignore' | number)[] {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  for (const fd of passed) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (fd >= 3) stdio[fd] = fd;
  }
  return stdio;
}
