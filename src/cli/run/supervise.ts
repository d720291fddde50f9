import { coverProcess, type Guard } from '../../core/guard.js';
import { systemClock } from '../../platform/clock.js';
import { inheritableDescriptor } from '../../locks/lock.js';
import { exitCodeOf, type SpawnFailure } from '../../process/children.js';
import { startChild, type RunningChild } from '../../process/run.js';
import { note } from '../output.js';
import { CHAIN_VARIABLE, chainOf } from './chain.js';
import type { EventLog } from './events.js';
import type { RunRequest } from './request.js';

const HOLDER_VARIABLE = 'HOLDFAST_HOLDER';

export interface Supervision {
  readonly request: RunRequest;
  readonly guard: Guard;
  /** Absolute, without credentials. */
  readonly lock: string;
  readonly inherited: readonly number[];
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
 * Runs the command under the guard and returns how it ended, once it has been waited for. The lock is let go
 * only after that: LOCK_UN frees it for everybody, whoever still has the descriptor.
 */
export async function supervise(supervision: Supervision): Promise<Outcome> {
  const { request, guard, inherited, log } = supervision;
  const [command = '', ...args] = request.argv;
  const grantedAt = systemClock.now();
  const descriptor = request.isClosing ? undefined : inheritableDescriptor(guard);
  const child = startChild({
    command,
    args,
    env: environmentOf(supervision),
    inherited,
    ...(descriptor !== undefined && { lockDescriptor: descriptor }),
  });
  supervision.onStarted();
  // Should it fail, the lease only outlives a dead wrapper for its own time.
  if (child.pid !== undefined) void coverProcess(guard, child.pid).catch(() => undefined);
  if (child.pid !== undefined)
    log?.({ event: 'started', childPid: child.pid, command: request.argv.join(' ') });
  const termination = endWhenLost(supervision, child);
  const end = await child.ended;
  await termination();
  const loss = lossOf(guard);
  const exitCode = loss === undefined ? exitCodeOf(end) : request.lostExitCode;
  if (loss !== undefined) {
    note(`holdfast: ${loss}`);
    log?.({ event: 'lost', message: loss });
  } else if (end.kind === 'not-started') {
    note(`holdfast: ${describeSpawnFailure(command, end)}`);
  }
  const signal = end.kind === 'signaled' ? end.signal : undefined;
  const heldMs = systemClock.now() - grantedAt;
  log?.({ event: 'ended', exitCode, heldMs, ...(signal !== undefined && { signal }) });
  await guard.release();
  return { exitCode, isLost: loss !== undefined };
}

/** Returns how to wait for the end that a loss has brought about, if there was one. */
function endWhenLost({ request, guard }: Supervision, child: RunningChild): () => Promise<unknown> {
  const { pid, startTime } = child;
  // The kernel takes no lock away while this process lives, so most runs need not read what comes here.
  if (pid === undefined || inheritableDescriptor(guard) !== undefined) return () => Promise.resolve();
  // Now, not at the loss: the package may have been replaced by then.
  const loading = import('../../process/tree.js');
  let ending: Promise<unknown> | undefined;
  const onLost = (): void => {
    const root = { pid, startTime, environmentMark: `${HOLDER_VARIABLE}=${guard.holderId}` };
    ending = loading.then(({ terminateTree }) => terminateTree(root, request.graceMs, systemClock));
  };
  if (guard.lost.aborted) onLost();
  else guard.lost.addEventListener('abort', onLost, { once: true });
  return () => ending ?? Promise.resolve();
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

function environmentOf({ guard, lock }: Supervision): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOLDFAST_LOCK: lock,
    [HOLDER_VARIABLE]: guard.holderId,
    [CHAIN_VARIABLE]: [...chainOf(process.env), process.pid].join(','),
  };
  // That of an enclosing wrapper is another lock's.
  if (guard.fencingToken === undefined) delete env['HOLDFAST_TOKEN'];
  else env['HOLDFAST_TOKEN'] = String(guard.fencingToken);
  return env;
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
