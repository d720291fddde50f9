import type { ChildProcess } from 'node:child_process';

import { errnoName } from '../core/system-error.js';
import { processStartTime } from '../platform/identity.js';
import { availableNative } from '../platform/native.js';
import type { NativeAddon } from '../platform/native-contract.js';
import { bytesOf, changedEnvironment, joinBytes, type EnvironmentChanges } from './bytes.js';
import { endOfStatus, explainSpawnFailure, signalNumber, type ChildEnd } from './children.js';
import { resolveProgram } from './program.js';
import { forwardSignals } from './signals.js';

export interface ChildRequest {
  /** Program and arguments. The program is looked up on the PATH, unless it has a slash. Never a shell's. */
  readonly argv: readonly string[];
  /** The bytes of the words that end with `argv`, where Node's texts are not the whole truth; see `rawArguments`. */
  readonly raw?: readonly Buffer[] | undefined;
  /** To this process's own environment. */
  readonly changes?: EnvironmentChanges;
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
 * Starts a command as a good parent would: in the same process group and terminal, with the same standard
 * streams and inherited descriptors, forwarding signals by the policy of {@link forwardSignals}.
 *
 * Node resets every signal disposition at start: a HUP that `nohup` made ignored ends the child. Where the addon cannot
 * start programs (off Linux) arguments and environment are Node's texts, and death by a real-time signal reads as exit 0.
 */
export function startChild(request: ChildRequest): RunningChild {
  const native = availableNative();
  // Before the spawn, so that no signal finds a child without a parent; they are delivered by the event loop, after it.
  let send: (signal: NodeJS.Signals) => void = () => undefined;
  const stopForwarding = forwardSignals((signal) => send(signal));
  let pid: number | undefined;
  const ended = new Promise<ChildEnd>((resolve) => {
    const onEnd = (end: ChildEnd): void => {
      send = () => undefined;
      stopForwarding();
      resolve(end);
    };
    const started =
      native?.spawn === undefined
        ? startByNode(native, request, onEnd)
        : startByAddon(native, request, onEnd);
    pid = started?.pid;
    if (started !== undefined) send = started.send;
  });
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  return { pid, startTime, started: Promise.resolve(pid), ended };
}

interface Started {
  readonly pid: number | undefined;
  readonly send: (signal: NodeJS.Signals) => void;
}

function passedTo({ inherited = [], lockDescriptor }: ChildRequest): readonly number[] {
  return lockDescriptor === undefined ? inherited : [...inherited, lockDescriptor];
}

function startByAddon(
  native: NativeAddon,
  request: ChildRequest,
  onEnd: (end: ChildEnd) => void,
): Started | undefined {
  const { argv, raw, changes = {} } = request;
  const words = joinBytes(bytesOf(argv, raw));
  const texts = Object.entries(changes).map(([name, value]) =>
    value === undefined ? name : `${name}=${value}`,
  );
  const descriptors = Int32Array.from(passedTo(request).filter((fd) => fd >= 3));
  const done = (status: number): void => onEnd(endOfStatus(status));
  const bytes = joinBytes(texts.map((text) => Buffer.from(text)));
  const pid = native.spawn?.(words, bytes, descriptors, done) ?? 0;
  if (pid > 0) return { pid, send: (signal) => void process.kill(pid, signal) };
  const cause = Object.assign(new Error(errnoName(-pid)), { code: errnoName(-pid) });
  onEnd(explainSpawnFailure(cause, argv[0] ?? '', undefined, process.env));
  return undefined;
}

function startByNode(
  native: NativeAddon | undefined,
  request: ChildRequest,
  onEnd: (end: ChildEnd) => void,
): Started | undefined {
  const { argv, changes = {} } = request;
  const [command = '', ...args] = argv;
  const env = changedEnvironment(changes);
  const notStarted = (cause: unknown): void =>
    onEnd(explainSpawnFailure(cause as NodeJS.ErrnoException, command, undefined, env));
  // Windows: the command and all below it end with this process, which holds its lock.
  native?.enterJob?.();
  const hasEnded = (end: ChildEnd): void => {
    // What the command left behind on purpose lives on, as it does elsewhere.
    native?.leaveJob?.();
    onEnd(end);
  };
  // Loaded only here: it costs every run a millisecond.
  const { spawn } = process.getBuiltinModule('node:child_process');
  let child: ChildProcess;
  try {
    const { file, args: words, ...how } = resolveProgram(command, args, { env });
    child = spawn(file, words, { ...how, env, stdio: stdioWith(passedTo(request)) });
  } catch (error) {
    notStarted(error);
    return undefined;
  }
  // Also emitted when a signal could not be sent; then the child is there and its exit still to come.
  child.on('error', (error) => {
    if (child.pid === undefined) notStarted(error);
  });
  child.once('exit', (code, signal) => {
    if (signal === null) hasEnded({ kind: 'exited', code: code ?? 0 });
    else hasEnded({ kind: 'signaled', signal: signalNumber(signal) });
  });
  return { pid: child.pid, send: (signal) => void child.kill(signal) };
}

/** The standard streams, and each of `passed` at its own number. A gap is 'ignore', which from index 3 on opens nothing. */
export function stdioWith(passed: readonly number[]): ('inherit' | 'ignore' | number)[] {
  const stdio: ('inherit' | 'ignore' | number)[] = ['inherit', 'inherit', 'inherit'];
  for (const fd of passed) {
    while (stdio.length <= fd) stdio.push('ignore');
    if (fd >= 3) stdio[fd] = fd;
  }
  return stdio;
}
