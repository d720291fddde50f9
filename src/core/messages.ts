import type { HolderInfo } from './backend.js';
import { describeDeadlock, type DeadlockLink } from './deadlock.js';
import { LockCanceledError, LockError, LockTimeoutError } from './errors.js';
import type { Timeout } from './timeout.js';

/** `pid 4711 (make -j2) on build-7 since 2026-11-20T18:00:00Z`, as much of it as is known. */
export function describeHolder(holder: HolderInfo): string {
  const parts: string[] = [];
  if (holder.pid !== undefined) parts.push(`pid ${holder.pid}`);
  const name = holder.command ?? holder.program;
  if (name !== undefined) parts.push(holder.pid === undefined ? name : `(${name})`);
  if (holder.host !== undefined) parts.push(`on ${holder.host}`);
  if (holder.sinceAt !== undefined) parts.push(`since ${holder.sinceAt}`);
  if (parts.length === 0 && holder.holderId !== undefined) parts.push(`holder ${holder.holderId}`);
  if (holder.reason !== undefined) parts.push(`"${holder.reason}"`);
  if (holder.note !== undefined) parts.push(parts.length === 0 ? holder.note : `- ${holder.note}`);
  return parts.length === 0 ? 'an unknown holder' : parts.join(' ');
}

/** The fact of contention, naming at most three holders. */
export function describeHolders(holders: readonly HolderInfo[] | undefined): string {
  const named = (holders ?? []).filter((holder) => holder.state === 'holder');
  if (named.length === 0) return 'it is held by an unknown holder';
  const rest = named.length > 3 ? ` and ${named.length - 3} more` : '';
  return `it is held by ${named.slice(0, 3).map(describeHolder).join(', ')}${rest}`;
}

/** What to do about a hold of this very process, which a wait for it cannot end. */
const OWN_HOLD =
  'This very process holds it, and locks are not reentrant: release it first, or pass its guard on';

/** What a caller is to know of a contention beside its holders. */
export interface ContentionFacts {
  /** A hold of this process stands in the way. */
  readonly isOwn?: boolean;
  readonly deadlock?: readonly DeadlockLink[] | undefined;
}

/** @param timeout names a zero timeout that the caller may not be aware of. */
export function contendedError(
  address: string,
  holders: readonly HolderInfo[] | undefined,
  timeout?: Timeout,
  { isOwn = false }: ContentionFacts = {},
): LockTimeoutError {
  const { source } = timeout ?? {};
  const limit = source === undefined || source === 'timeoutMs' ? '' : ` within timeout 0 s (${source})`;
  return new LockTimeoutError(
    `Could not lock "${address}"${limit}: ${describeHolders(holders)}. ${isOwn ? OWN_HOLD : 'Try again later, or allow time to wait'}.`,
    { code: 'HOLDFAST_CONTENDED', resource: address, ...(holders && { holders }) },
  );
}

export function timeoutError(
  address: string,
  timeout: Timeout,
  holders: readonly HolderInfo[] | undefined,
  { deadlock, isOwn = false }: ContentionFacts = {},
): LockTimeoutError {
  const advice =
    deadlock === undefined
      ? isOwn
        ? OWN_HOLD
        : 'Wait for it, or raise the timeout'
      : `This is a deadlock: ${describeDeadlock(deadlock)}. Take such locks in one order, or together with lockAll`;
  return new LockTimeoutError(
    `Could not lock "${address}" within ${timeout.toString()}: ${describeHolders(holders)}. ${advice}.`,
    {
      code: 'HOLDFAST_TIMEOUT',
      resource: address,
      ...(holders && { holders }),
      ...(deadlock && { deadlock }),
    },
  );
}

export function deadlockError(address: string, deadlock: readonly DeadlockLink[]): LockError {
  return new LockError(
    `Could not lock "${address}": it would wait for ever: ${describeDeadlock(deadlock)}. Take such locks in one order, or together with lockAll.`,
    { code: 'HOLDFAST_DEADLOCK', resource: address, deadlock },
  );
}

export function canceledError(address: string, cause: unknown): LockCanceledError {
  return new LockCanceledError(
    `Could not lock "${address}": the caller canceled the wait. Nothing was changed.`,
    {
      resource: address,
      cause,
    },
  );
}

export function unsupportedModeError(address: string, backend: string): LockError {
  return new LockError(
    `Could not lock "${address}": the ${backend} backend has no shared mode. Ask for mode "exclusive".`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}

export function unsupportedPermitsError(address: string, backend: string): LockError {
  return new LockError(
    `Could not lock "${address}": the ${backend} backend has no permits. Use flock, memory, redis, etcd or postgres for them.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: address },
  );
}
