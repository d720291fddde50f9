import type { Target } from './namespace.js';
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
  const { namespace, resource, address } = target;
  const { backend } = namespace;
  if (backend.acquireBlocking === undefined) {
    throw new LockError(
      `Could not lock "${address}": the ${backend.name} backend cannot block a thread. Use acquire() and await it.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: address },
    );
  }
  const impossible = impossibility(target, options);
  if (impossible !== undefined) throw impossible;
  const queue = namespace.queueFor(resource);
  if (!queue.hasRoomFor(options.mode)) throw ownThreadError(address, 'holds it');
  if (!queue.admitsTry(options.mode)) throw ownThreadError(address, 'waits for it');
  const timeoutMs = queue.isHeadTaken ? 0 : options.timeout.ms;
  const request = newRequest(target, options, queue);
  const attempt = backend.acquireBlocking(request, timeoutMs);
  if (attempt.kind === 'granted') {
    queue.addHold(options.mode);
    return new HeldGuard(target, queue, request, attempt.grant);
  }
  if (options.timeout.ms === 0) throw contendedError(address, undefined);
  if (queue.isHeadTaken) throw ownThreadError(address, 'waits for it');
  throw timeoutError(address, options.timeout, undefined);
}

function ownThreadError(address: string, does: string): LockError {
  return new LockError(
    `Could not lock "${address}": another caller in this thread ${does}, and would not get on while this one blocks. Use acquire() and await it.`,
    { code: 'HOLDFAST_CONTENDED', resource: address },
  );
}
