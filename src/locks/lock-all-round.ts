import { acquire } from '../core/acquisition.js';
import type { HolderInfo } from '../core/backend.js';
import { isLockError } from '../core/errors.js';
import type { Guard } from '../core/guard.js';
import type { Target } from '../core/namespace.js';
import type { ResolvedOptions } from '../core/options.js';

/** One lock of a `lockAll`. */
export interface Member {
  readonly target: Target;
  options: ResolvedOptions;
  guard: Guard | undefined;
  /** The member that turned out to be the same lock by another address. */
  sameAs: Member | undefined;
}

/** Why a round has not got all locks, though the next one may: a hold was lost, or two members are one lock. */
export type Setback = { readonly loss: unknown } | 'merged';

/** Acquires every member, or none. Resolves with a setback if the caller is to start over. */
export async function acquireRound(
  members: readonly Member[],
  elapsedMs: () => number,
): Promise<Setback | undefined> {
  const acquired: Member[] = [];
  try {
    for (const member of members) {
      const guard = await acquireBeside(acquired, member, elapsedMs());
      if (guard === undefined) {
        await releaseAll(acquired.map(guardOf));
        return 'merged';
      }
      member.guard = guard;
      acquired.push(member);
    }
    for (const member of acquired) guardOf(member).assertHeld();
    return undefined;
  } catch (error) {
    const loss = lossAmong(acquired.map(guardOf));
    // Of what was lost there is nothing to release, and what remains is to be released in any case.
    await releaseAll(acquired.map(guardOf)).catch((failure: unknown) => {
      if (loss === undefined) throw failure;
    });
    if (loss === undefined) throw error;
    return { loss };
  }
}

/** The hold of a member that is acquired. */
export function guardOf(member: Member): Guard {
  return member.sameAs === undefined ? (member.guard as Guard) : guardOf(member.sameAs);
}

/**
 * Acquires `member` unless one of `acquired` is lost meanwhile.
 *
 * @returns undefined when one of `acquired` is the same lock by another address (`localhost`, `127.0.0.1`, an alias of
 *   the server): then they are merged. Only the server can show that, by naming our own hold as the one in the way.
 */
async function acquireBeside(
  acquired: readonly Member[],
  member: Member,
  elapsedMs: number,
): Promise<Guard | undefined> {
  const { options } = member;
  const twins = acquired.filter((other) => mayBeOne(other, member));
  const merged = new AbortController();
  const mergeIfHeld = (holders: readonly HolderInfo[]): boolean => {
    const twin = twins.find((other) => holders.some(({ holderId }) => holderId === guardOf(other).holderId));
    if (twin === undefined) return false;
    member.sameAs = twin;
    twin.options = stronger(twin.options, options);
    merged.abort();
    return true;
  };
  const { signal, onWait } = options;
  const signals = acquired.map((other) => guardOf(other).lost);
  if (signal !== undefined) signals.push(signal);
  if (twins.length > 0) signals.push(merged.signal);
  const watching: ResolvedOptions['onWait'] = (event) => {
    onWait?.(event);
    if (event.type === 'started' || event.type === 'progress')
      void event.inspect().then(mergeIfHeld, () => undefined);
  };
  try {
    return await acquire(member.target, {
      ...options,
      signal: signals.length > 1 ? AbortSignal.any(signals) : signals[0],
      timeout: options.timeout.after(elapsedMs),
      onWait: twins.length > 0 ? watching : onWait,
    });
  } catch (error) {
    if (merged.signal.aborted || (isLockError(error) && mergeIfHeld(error.holders ?? []))) return undefined;
    throw error;
  }
}

/** One name on two servers, as far as their addresses show. Elsewhere a lock and its permits are two locks. */
function mayBeOne(a: Member, b: Member): boolean {
  return (
    a.target.namespace.backend.name === b.target.namespace.backend.name &&
    a.target.resource === b.target.resource &&
    (a.options.permits === undefined) === (b.options.permits === undefined)
  );
}

/** What satisfies both requests for one lock. */
export function stronger(a: ResolvedOptions, b: ResolvedOptions): ResolvedOptions {
  return {
    ...a,
    mode: a.mode === 'exclusive' ? a.mode : b.mode,
    fencing: a.fencing || b.fencing,
    record: a.record || b.record,
    coversChild: a.coversChild || b.coversChild,
    permits: a.permits === undefined || b.permits === undefined ? undefined : Math.min(a.permits, b.permits),
    leaseDurationMs: Math.max(a.leaseDurationMs, b.leaseDurationMs),
    isLeaseChosen: a.isLeaseChosen || b.isLeaseChosen,
    reason: a.reason ?? b.reason,
  };
}

function lossAmong(guards: readonly Guard[]): unknown {
  for (const guard of guards) {
    try {
      guard.assertHeld();
    } catch (error) {
      if (isLockError(error) && error.isLost) return error;
      throw error;
    }
  }
  return undefined;
}

/** The last acquired first. */
export async function releaseAll(guards: readonly Guard[]): Promise<void> {
  const outcomes = await Promise.allSettled(guards.toReversed().map((guard) => guard.release()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
