import type { Target } from './acquire.js';
import type { AcquireRequest } from './backend.js';
import type { LockError } from './errors.js';
import { newHolderId } from './holder.js';
import { canceledError, unsupportedModeError } from './messages.js';
import type { ResolvedOptions } from './options.js';
import type { ResourceQueue } from './queue.js';

/** A request with a holder id of its own. A retry makes another one: ids are never reused. */
export function newRequest(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue | undefined,
): AcquireRequest {
  return {
    resource: target.resource,
    mode: options.mode,
    holderId: newHolderId(),
    reason: options.reason,
    leaseDurationMs: options.leaseDurationMs,
    fencing: options.fencing,
    record: options.record,
    coversChild: options.coversChild,
    isPolite: queue !== undefined && queue.wasHeldLong,
  };
}

/** Why this call cannot succeed whatever others do; undefined when it can. */
export function impossibility(target: Target, options: ResolvedOptions): LockError | undefined {
  const { backend } = target.space;
  if (options.mode === 'shared' && !backend.capabilities.modes.includes('shared')) {
    return unsupportedModeError(target.address, backend.name);
  }
  if (options.signal?.aborted === true) return canceledError(target.address, options.signal.reason);
  return undefined;
}
