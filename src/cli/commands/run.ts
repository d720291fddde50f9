import { formatDuration } from '../../core/duration.js';
import type { WaitEvent } from '../../core/events.js';
import type { Guard } from '../../core/guard.js';
import { systemClock } from '../../host/clock.js';
import { describeOwnCommand } from '../../host/identity.js';
import { inheritedDescriptors } from '../../process/inherited-descriptors.js';
import { SignalCancel } from '../cancel.js';
import { note } from '../output.js';
import { WaitReport } from '../render/waiting.js';
import { enclosingHolder } from '../run/chain.js';
import { openEventLog, type EventLog } from '../run/events.js';
import { EnclosedError, reportFailure } from '../run/failure.js';
import { readRunRequest, type RunRequest } from '../run/request.js';
import { lockableOf, type Lockable } from '../run/subject.js';
import { supervise } from '../run/supervise.js';
import type { ParsedArguments } from '../spec.js';

/** @param inherited descriptors that the command gets; found out before this process opens any of its own. */
export async function execute(
  args: ParsedArguments,
  inherited: readonly number[] = inheritedDescriptors(),
): Promise<number> {
  const request = await readRunRequest(args);
  const lockable = lockableOf(request.subject, inherited);
  const log =
    request.events === undefined ? undefined : openEventLog(request.events, lockable.absolute, systemClock);
  if (request.argv.length > 0) describeOwnCommand(request.argv.join(' '));
  const cancel = new SignalCancel();
  const startedAt = systemClock.now();
  let guard: Guard;
  try {
    guard = await lockable.acquire({
      mode: request.mode,
      ...request.timeout,
      signal: cancel.signal,
      // A wrapper holds until its command ends, and does one thing at a time: a cycle through it stays.
      onDeadlock: 'fail',
      onWait: waitListener(request, lockable, cancel, log),
      ...(request.reason !== undefined && { reason: request.reason }),
      ...(request.leaseDurationMs !== undefined && { leaseDurationMs: request.leaseDurationMs }),
    });
  } catch (error) {
    const { conflictExitCode, isQuiet } = request;
    const waitedMs = systemClock.now() - startedAt;
    const address = lockable.shown;
    const failure = reportFailure(error, { address, cancel, waitedMs, conflictExitCode, isQuiet });
    log?.({ event: 'failed', ...failure });
    return failure.exitCode;
  }
  const waitedMs = systemClock.now() - startedAt;
  log?.({ event: 'acquired', waitedMs, holderId: guard.holderId, mode: guard.mode });
  if (request.isVerbose) {
    note(`holdfast: locked "${lockable.shown}" (${request.mode}) after ${formatDuration(waitedMs)}`);
  }
  if (request.subject.kind === 'descriptor') {
    cancel.disarm();
    return 0;
  }
  if (request.isVerbose) note(`holdfast: running ${request.argv.join(' ')}`);
  const onStarted = (): void => cancel.disarm();
  return supervise({ request, guard, lock: lockable.absolute, inherited, log, onStarted });
}

/** What is to be done once somebody is found in the way, and not a moment earlier. */
function waitListener(
  request: RunRequest,
  { shown }: Lockable,
  cancel: SignalCancel,
  log: EventLog | undefined,
): (event: WaitEvent) => void {
  const { timeout, isQuiet } = request;
  let report: WaitReport | undefined;
  return (event) => {
    if (event.type === 'started') {
      cancel.arm();
      if (!isQuiet) report = new WaitReport({ address: shown, timeout, clock: systemClock });
      void refuseEnclosed(event, cancel, log);
    }
    report?.onWait(event);
  };
}

async function refuseEnclosed(
  event: WaitEvent,
  cancel: SignalCancel,
  log: EventLog | undefined,
): Promise<void> {
  const holders = await event.inspect().catch(() => []);
  const { timeoutMs } = event;
  log?.({ event: 'waiting', holders, timeoutMs: timeoutMs === Infinity ? 'infinite' : timeoutMs });
  const holder = enclosingHolder(holders, process.env);
  if (holder !== undefined) cancel.abort(new EnclosedError(event.address, holder));
}
