import { coverProcess, type Guard } from '../../core/guard.js';
import { systemClock } from '../../platform/clock.js';
import { ownProgram } from '../../platform/identity.js';
import { abandonDescriptor, inheritableDescriptor } from '../../locks/lock.js';
import { exitCodeOf, signalName, type SpawnFailure } from '../../process/children.js';
import { note } from '../output.js';
import type { EventLog } from './events.js';
import { startGuarded, type Work } from './guarded.js';
import { LastRequests } from './last-requests.js';

export interface Supervision extends Work {
  readonly log: EventLog | undefined;
  /** Called when the child has its own signal handling behind it. */
  readonly onStarted: () => void;
}

export interface Outcome {
  readonly exitCode: number;
  /** The lock was lost, and the command ended for that. */
  readonly isLost: boolean;
}

/**
 * Runs the command under the guard and returns how it ended, once it has been waited for. The lock is released
 * only after that: LOCK_UN frees it for every process that has the descriptor.
 */
export async function supervise(supervision: Supervision): Promise<Outcome> {
  const { request, guard, log } = supervision;
  const [command = ''] = request.argv;
  const grantedAt = systemClock.now();
  const child = await startGuarded(supervision);
  supervision.onStarted();
  // Should it fail, the lease only outlives a dead wrapper for its own time.
  if (child.pid !== undefined) void coverProcess(guard, child.pid).catch(() => undefined);
  void child.started.then((childPid) => {
    if (childPid !== undefined) log?.({ event: 'started', childPid, program: ownProgram() });
  });
  // The kernel frees a lock that is a descriptor; every other release is a request.
  const last = inheritableDescriptor(guard) === undefined ? new LastRequests() : undefined;
  const end = await child.ended;
  await child.termination();
  const loss = lossOf(guard) ?? child.loss();
  const exitCode = loss === undefined ? exitCodeOf(end) : request.lostExitCode;
  if (loss !== undefined) {
    note(`holdfast: ${loss}`);
    log?.({ event: 'lost', message: loss });
  } else if (end.kind === 'not-started') {
    note(`holdfast: ${describeSpawnFailure(command, end)}`);
  }
  const signal = end.kind === 'signaled' ? signalName(end.signal) : undefined;
  const heldMs = systemClock.now() - grantedAt;
  log?.({ event: 'ended', exitCode, heldMs, ...(signal !== undefined && { signal }) });
  const release = (): Promise<void> => letGo(supervision);
  await (last === undefined ? release() : last.run(release));
  return { exitCode, isLost: loss !== undefined };
}

/**
 * Releases the lock, unless what the command left behind is to keep it. The command ran under the lock: a release that
 * the server does not confirm is reported, and changes nothing about how the command ended (ADR 0205).
 */
async function letGo({ request, guard }: Supervision): Promise<void> {
  if (request.isUntilClosed && abandonDescriptor(guard)) return;
  try {
    await guard.release();
  } catch (error) {
    note(`holdfast: ${(error as Error).message}`);
  }
}

/** The message of the loss; undefined while the lock is held. */
function lossOf(guard: Guard): string | undefined {
  try {
    guard.assertHeld();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const SPAWN_FACTS: Readonly<Record<SpawnFailure['reason'], string>> = {
  'not-found': 'command not found. Check its name and PATH',
  'not-executable': 'permission denied. Make it executable',
  'interpreter-not-found': 'the interpreter that its first line names was not found. Check that line',
  'directory-not-found': 'the working directory does not exist',
  failed: 'the system refused to start it',
};

function describeSpawnFailure(command: string, { reason, cause }: SpawnFailure): string {
  if (reason === 'not-found' && command.startsWith('-'))
    return `Could not run "${command}": command not found. Flags of run stand before LOCK.`;
  const detail = reason === 'failed' ? ` (${cause.message})` : '';
  return `Could not run "${command}": ${SPAWN_FACTS[reason]}${detail}.`;
}
