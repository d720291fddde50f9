import type { Guard } from '../../core/guard.js';
import { inheritableDescriptor, tetherOf } from '../../locks/lock.js';
import { systemClock } from '../../platform/clock.js';
import { supervisorFile } from '../../platform/native.js';
import { startChild, type RunningChild } from '../../process/run.js';
import { environmentOf, HOLDER_VARIABLE } from './environment.js';
import type { RunRequest } from './request.js';

/** What is to be run, under which guard. */
export interface Work {
  readonly request: RunRequest;
  readonly guard: Guard;
  /** Absolute, without credentials. */
  readonly lock: string;
  readonly inherited: readonly number[];
  /** The words of this command line as bytes, where texts are not the whole truth. */
  readonly raw: readonly Buffer[] | undefined;
  /** That carries the lock, where the guard does not know it. */
  readonly descriptor: number | undefined;
}

/** A command that is ended when its lock is lost. */
export interface GuardedChild extends RunningChild {
  /** Waits for the end that a loss has brought about, if there was one. */
  termination(): Promise<unknown>;
  /** Why it was ended although the guard itself still stands. */
  loss(): string | undefined;
}

/**
 * A lock that is a descriptor goes to the command, and outlives this process with it. Any other lock ends with this
 * process, or by itself: the supervisor between them ends the command before that. Where there is none (see
 * `supervisorFile`) this process alone ends the command, as long as it lives.
 */
export async function startGuarded(work: Work): Promise<GuardedChild> {
  const { request, guard, inherited, raw } = work;
  const { argv, graceMs, isUntilClosed } = request;
  const changes = environmentOf(work);
  const command = { argv, raw, changes, inherited };
  const environmentMark = `${HOLDER_VARIABLE}=${guard.holderId}`;
  const descriptor = work.descriptor ?? inheritableDescriptor(guard);
  if (descriptor !== undefined && !request.isClosing)
    return { ...startChild({ ...command, lockDescriptor: descriptor }), ...NEVER_LOST };
  // With --close the supervisor has the lock's descriptor in place of the command.
  const tether = tetherOf(guard) ?? { deadline: () => Infinity, publish: () => undefined, descriptor };
  const supervisor = supervisorFile();
  if (supervisor === undefined) {
    const child = startChild(command);
    return { ...child, ...(await endWhenLost(work, child, environmentMark)) };
  }
  const { SupervisedChild } = await import('../../process/supervisor.js');
  const child = new SupervisedChild({
    supervisor,
    ...command,
    ...{ tether, graceMs, isUntilClosed, environmentMark },
  });
  const end = (): void => child.end();
  if (guard.lost.aborted) end();
  else guard.lost.addEventListener('abort', end, { once: true });
  const loss = (): string | undefined => (child.isDeadlineNear ? nearDeadline(work) : undefined);
  return Object.assign(child, { termination: () => Promise.resolve(), loss });
}

/** The kernel takes no lock away while this process lives. */
const NEVER_LOST = { termination: () => Promise.resolve(), loss: () => undefined };

function nearDeadline({ guard }: Work): string {
  return `Could not keep "${guard.address}": it was not renewed in time, and the command was ended before the lock could pass to others. Treat what it guards as unfinished.`;
}

/** From this process, for platforms without the supervisor. */
async function endWhenLost(
  { request, guard }: Work,
  { pid, startTime }: RunningChild,
  environmentMark: string,
): Promise<Pick<GuardedChild, 'termination' | 'loss'>> {
  if (pid === undefined) return NEVER_LOST;
  // Now, not at the loss: the package may have been replaced by then.
  const { terminateTree } = await import('../../process/tree.js');
  let ending: Promise<unknown> | undefined;
  const onLost = (): void => {
    const root = { pid, startTime, environmentMark, isInJob: true };
    ending = terminateTree(root, request.graceMs, systemClock);
  };
  if (guard.lost.aborted) onLost();
  else guard.lost.addEventListener('abort', onLost, { once: true });
  return { termination: () => ending ?? Promise.resolve(), loss: () => undefined };
}
