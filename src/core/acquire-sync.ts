import type { Target } from './acquire.js';
import { LockError } from './errors.js';
import { HeldGuard, type Guard } from './guard.js';
import { contendedError, timeoutError } from './messages.js';
import type { ResolvedOptions } from './options.js';
import { impossibility, newRequest } from './request.js';

/**
 * Blocks the thread until the lock is held. Nothing else of this thread runs meanwhile, so what only this thread
 * could bring about is refused at once: waiting for a hold of its own, or behind a wait of its own whose grant
 * could not be delivered.
 */
export function acquireSync(target: Target, options: ResolvedOptions): Guard {
  const { space, resource, address } = target;
  const { backend } = space;
  if (backend.acquireBlocking === undefined) {
    throw new LockError(
      `Could not lock "${address}": the ${backend.name} backend cannot block a thread. Use acquire() and await it.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: address },
    );
  }
  const impossible = impossibility(target, options);
  if (impossible !== undefined) throw impossible;
  const queue = space.queueFor(resource);
  if (!queue.hasRoomFor(options.mode)) throw ownThreadError(address, 'holds it');
  const timeoutMs = queue.isDoorTaken ? 0 : options.timeoutMs;
  const request = newRequest(target, options, queue);
  const attempt = backend.acquireBlocking(request, timeoutMs);
  if (attempt.kind === 'granted') {
    queue.addHold(options.mode);
    return new HeldGuard(space, queue, address, request, attempt.grant);
  }
  if (options.timeoutMs === 0) throw contendedError(address, undefined);
  if (queue.isDoorTaken) throw ownThreadError(address, 'waits for it');
  throw timeoutError(address, options, undefined);
}

function ownThreadError(address: string, does: string): LockError {
  return new LockError(
    `Could not lock "${address}": another caller in this thread ${does}, and would not get on while this one blocks. Use acquire() and await it.`,
    { code: 'HOLDFAST_CONTENDED', resource: address },
  );
}
