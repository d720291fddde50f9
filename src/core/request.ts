import type { Target } from './namespace.js';
import type { AcquireRequest, Mode } from './backend.js';
import type { LockError } from './errors.js';
import { newHolderId } from './holder.js';
import { canceledError, unsupportedModeError, unsupportedPermitsError } from './messages.js';
import type { ResolvedOptions } from './options.js';
import type { ResourceQueue } from './queue.js';

/** A request with a holder id of its own. A retry makes another one: ids are never reused. @param leftMs of the call's time. */
export function newRequest(
  target: Target,
  options: ResolvedOptions,
  queue: ResourceQueue | undefined,
  leftMs = options.timeout.leftMs,
): AcquireRequest {
  return {
    resource: target.resource,
    mode: options.mode,
    holderId: newHolderId(),
    reason: options.reason,
    info: options.info,
    recordCommand: options.recordCommand,
    leaseDurationMs: options.leaseDurationMs,
    isLeaseChosen: options.isLeaseChosen,
    fencing: options.fencing,
    record: options.record,
    coversChild: options.coversChild,
    permits: options.permits,
    timeoutMs: leftMs,
    isWaiting: queue !== undefined,
    isYielding: queue !== undefined && queue.wasHeldLong,
  };
}

/** How callers of this process stand in each other's way: holders of permits don't, however many the backend allows. */
export function queueMode({ mode, permits }: Pick<AcquireRequest, 'mode' | 'permits'>): Mode {
  return permits === undefined ? mode : 'shared';
}

/** Which queue of this process a call stands in. A resource's lock and its permits are two things. */
export function queueKey({ resource }: Target, { permits }: ResolvedOptions): string {
  return permits === undefined ? resource : `${resource}\0permits`;
}

/** Why this call cannot succeed whatever others do; undefined when it can. */
export function impossibility(target: Target, options: ResolvedOptions): LockError | undefined {
  const { backend } = target.namespace;
  if (options.mode === 'shared' && !backend.capabilities.modes.includes('shared')) {
    return unsupportedModeError(target.address, backend.name);
  }
  if (options.permits !== undefined && backend.capabilities.permits !== true) {
    return unsupportedPermitsError(target.address, backend.name);
  }
  if (options.signal?.aborted === true) return canceledError(target.address, options.signal.reason);
  return undefined;
}

/** Whether this call may go on with the hold of the caller before it, instead of one of its own from the backend. */
export function canTakeOver({ mode, permits, fencing, coversChild }: ResolvedOptions): boolean {
  return mode === 'exclusive' && permits === undefined && !fencing && !coversChild;
}
