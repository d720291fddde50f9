import { formatDuration } from '../../core/duration.js';
import type { WaitEvent } from '../../core/events.js';
import type { Guard } from '../../core/guard.js';
import { sleep, systemClock } from '../../platform/clock.js';
import { describeOwnCommand } from '../../platform/identity.js';
import { inheritedDescriptors } from '../../process/descriptors.js';
import { exitCodeOfSignal } from '../../process/children.js';
import { unlockDescriptor } from '../../locks/lock-descriptor.js';
import { SignalCancel } from '../cancel.js';
import { note } from '../output.js';
import type { EventLog } from './events.js';
import { readRunRequest, type RunRequest } from './request.js';
import { lockableOf } from './subject.js';
import type { Given, Lockable } from './given.js';
import { supervise, type Outcome } from './supervise.js';
import { watchFreshness } from './freshness.js';
import { settled } from './last-requests.js';
import type { ParsedArguments } from '../spec.js';

export async function execute(
  args: ParsedArguments,
  given: Given = { inherited: inheritedDescriptors(), raw: undefined },
): Promise<number> {
  const request = await readRunRequest(args);
  const lockable = await lockableOf(request.subject, given, args.rest.length);
  if (request.subject.kind === 'descriptor' && request.isUnlocking) {
    unlockDescriptor(request.subject.descriptor);
    return 0;
  }
  const log = await openLog(request, lockable);
  if (request.argv.length > 0) describeOwnCommand(request.argv);
  let outcome: Attempted;
  try {
    outcome = await holdUntilDone({ request, lockable, log, ...given });
  } finally {
    // This process ends: what may leave a hold behind is settled first.
    await settled();
  }
  if (outcome.signal !== undefined) process.kill(process.pid, outcome.signal);
  return outcome.exitCode;
}

/** Once, or as a spare again and again. */
async function holdUntilDone(job: Job): Promise<Attempted> {
  const { request, lockable } = job;
  let hasAnswered = false;
  const onAnswer = (): void => {
    hasAnswered = true;
  };
  for (;;) {
    const outcome = await holdAndRun(job, onAnswer);
    if (outcome.signal !== undefined || !request.isStandingBy) return outcome;
    // A server that has answered once, also to a spare that has never led, may be away for a while.
    const mayReturn = outcome.isLost || (hasAnswered && UNREACHABLE.has(outcome.code ?? ''));
    if (!mayReturn) return outcome;
    note(`holdfast: standing by for "${lockable.shown}"`);
    if (!outcome.isLost) await sleep(STAND_BY_PAUSE_MS);
  }
}

/** Between attempts to reach a server that is away. */
const STAND_BY_PAUSE_MS = 1_000;
const UNREACHABLE: ReadonlySet<string> = new Set([
  'HOLDFAST_BACKEND_UNAVAILABLE',
  'HOLDFAST_UNCONFIRMED',
  'HOLDFAST_LOST',
  'HOLDFAST_NETWORK',
]);

interface Job extends Given {
  readonly request: RunRequest;
  readonly lockable: Lockable;
  readonly log: EventLog | undefined;
}

interface Attempted extends Outcome {
  readonly code?: string;
  /** What ended it before there was anything to wait for: this process is to end by it, without a message. */
  readonly signal?: NodeJS.Signals;
}

interface Begun {
  readonly cancel: SignalCancel;
  readonly startedAt: number;
  /** The lock was granted, or is held. */
  readonly onAnswer: () => void;
}

/** Once through: wait, hold, run, let go. */
async function holdAndRun(job: Job, onAnswer: () => void): Promise<Attempted> {
  const { request, lockable, log, inherited, raw } = job;
  const isRenewed = request.unlessNewer === undefined ? undefined : watchFreshness(request.unlessNewer);
  const cancel = new SignalCancel();
  const startedAt = systemClock.now();
  const guard = await acquireFor(job, { cancel, startedAt, onAnswer });
  if ('exitCode' in guard) return guard;
  if (cancel.received !== undefined) {
    // Between the grant and this turn.
    await guard.release().catch(() => undefined);
    cancel.disarm();
    return { exitCode: exitCodeOfSignal(cancel.received), isLost: false, signal: cancel.received };
  }
  onAnswer();
  const waitedMs = systemClock.now() - startedAt;
  log?.({ event: 'acquired', waitedMs, holderId: guard.holderId, mode: guard.mode });
  if (request.isVerbose) {
    note(`holdfast: locked "${lockable.shown}" (${request.mode}) after ${formatDuration(waitedMs)}`);
  }
  if (request.subject.kind === 'descriptor') {
    cancel.disarm();
    return { exitCode: 0, isLost: false };
  }
  if (isRenewed?.() === true) {
    cancel.disarm();
    if (!request.isQuiet) note(`holdfast: "${request.unlessNewer}" was renewed meanwhile; nothing to do`);
    log?.({ event: 'skipped' });
    await guard.release();
    return { exitCode: 0, isLost: false };
  }
  if (request.isVerbose) note(`holdfast: running ${request.argv.join(' ')}`);
  const onStarted = (): void => {
    cancel.disarm();
    // Came while the command was started: now it has what forwards it.
    if (cancel.received !== undefined) process.kill(process.pid, cancel.received);
  };
  const descriptor = lockable.descriptor?.();
  const work = { request, guard, lock: lockable.absolute, descriptor, inherited, raw };
  const outcome = await supervise({ ...work, log, onStarted });
  if (!request.isUntilClosed) lockable.onReleased?.();
  return outcome;
}

/** The guard, or how the attempt ended without one, once that was reported. */
async function acquireFor(
  { request, lockable, log }: Job,
  { cancel, startedAt, onAnswer }: Begun,
): Promise<Guard | Attempted> {
  const listener = waitListener(request, lockable, cancel, log);
  let hasWaited = false;
  let isPending = true;
  // What is not granted in this turn goes over a network: a signal must not leave a claim behind that is under way.
  systemClock.yieldTurn(() => {
    if (isPending) cancel.arm();
  });
  try {
    return await lockable.acquire({
      mode: request.mode,
      coversChild: request.argv.length > 0,
      ...request.timeout.options,
      signal: cancel.signal,
      // A wrapper holds until its command ends, and does one thing at a time: a cycle through it stays.
      onDeadlock: 'fail',
      onWait: (event) => {
        hasWaited = true;
        onAnswer();
        listener(event);
      },
      ...(request.permits !== undefined && { permits: request.permits }),
      ...(request.reason !== undefined && { reason: request.reason }),
      recordCommand: request.isCommandRecorded,
      ...(request.leaseDurationMs !== undefined && { leaseDurationMs: request.leaseDurationMs }),
    });
  } catch (error) {
    const waitedMs = systemClock.now() - startedAt;
    const signal = hasWaited ? undefined : cancel.received;
    const isQuiet = request.isQuiet || signal !== undefined;
    const { reportFailure } = await import('./failure.js');
    const { conflictExitCode } = request;
    const context = { address: lockable.shown, cancel, waitedMs, conflictExitCode, isQuiet };
    const failure = reportFailure(error, context);
    log?.({ event: 'failed', ...failure });
    // What comes between two attempts of a spare ends it, as it ends any process.
    cancel.disarm();
    const code = (error as { code?: string }).code ?? '';
    return { exitCode: failure.exitCode, isLost: false, code, ...(signal !== undefined && { signal }) };
  } finally {
    isPending = false;
  }
}

async function openLog({ events }: RunRequest, { absolute }: Lockable): Promise<EventLog | undefined> {
  if (events === undefined) return undefined;
  const { openEventLog } = await import('./events.js');
  return openEventLog(events, absolute, systemClock);
}

/** What is to be done once contention is found, and not a moment earlier. */
function waitListener(
  request: RunRequest,
  lockable: Lockable,
  cancel: SignalCancel,
  log: EventLog | undefined,
): (event: WaitEvent) => void {
  let listener: Promise<(event: WaitEvent) => void> | undefined;
  return (event) => {
    if (event.type === 'started') {
      cancel.arm();
      listener = import('./contention.js').then(({ contentionListener }) =>
        contentionListener(request, lockable, cancel, log),
      );
    }
    // In the order in which they happened: what is loading gets the first events a moment later.
    void listener?.then((receive) => receive(event));
  };
}
