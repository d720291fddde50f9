import { nameOf, type Target } from './namespace.js';
import { acquireChannel, type AcquireEvent } from './events.js';
import { isLockError } from './errors.js';
import type { Guard } from './guard.js';
import type { ResolvedOptions } from './options.js';

/** Runs one call of `acquire` or `tryAcquire` so that subscribers of the channel see it. */
export function traced<T extends Guard | undefined>(
  target: Target,
  options: ResolvedOptions,
  run: () => Promise<T>,
): Promise<T> {
  const { clock, backend } = target.namespace;
  const event: AcquireEvent = {
    resource: target.address,
    lock: nameOf(target),
    backend: backend.name,
    mode: options.mode,
  };
  const startedAt = clock.now();
  const finish = (outcome: NonNullable<AcquireEvent['outcome']>): void => {
    event.waitedMs = clock.now() - startedAt;
    event.outcome = outcome;
  };
  return acquireChannel.tracePromise(async () => {
    try {
      const guard = await run();
      finish(guard === undefined ? 'contended' : 'acquired');
      return guard;
    } catch (error) {
      finish(outcomeOf(error));
      throw error;
    }
  }, event);
}

function outcomeOf(error: unknown): NonNullable<AcquireEvent['outcome']> {
  if (!isLockError(error)) return 'error';
  if (error.isCanceled) return 'canceled';
  if (error.isDeadlock) return 'deadlock';
  if (error.isTimeout) return error.code === 'HOLDFAST_CONTENDED' ? 'contended' : 'timeout';
  return 'error';
}
