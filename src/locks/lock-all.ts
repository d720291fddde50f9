import { tryAcquire } from '../core/acquisition.js';
import { checkOptions, oneOf, show, TEXT } from '../core/check-options.js';
import type { Guard } from '../core/guard.js';
import type { Target } from '../core/namespace.js';
import { LOCK_OPTIONS, mergeOptions, type LockOptions, type ResolvedOptions } from '../core/options.js';
import { optionsOf, targetOf, type Lock } from './lock.js';
import { acquireRound, guardOf, releaseAll, stronger, type Member } from './lock-all-round.js';
import { compareKeys, lockKey } from './placement.js';

/** One of the locks of a {@link lockAll}: an address, a Lock, or an address with a mode of its own. */
export type LockAllItem = string | Lock | { readonly address: string; readonly mode?: LockOptions['mode'] };

/** What {@link lockAll} resolves to: several holds that began and end together. */
export interface GuardSet extends AsyncDisposable {
  /** In the order of the locks as they were given; equal for two names of one lock. */
  readonly guards: readonly Guard[];
  /** Aborts when any of the holds ends by surprise. */
  readonly lost: AbortSignal;
  /**
   * Throws unless every hold is known to last for `marginMs` milliseconds (default 0) more. Synchronous.
   *
   * @throws LockError HOLDFAST_LOST unless every hold lasts for `marginMs` more.
   */
  assertHeld(options?: { readonly marginMs?: number }): void;
  /**
   * Ends all holds, the last acquired first. Idempotent.
   *
   * @throws LockError HOLDFAST_IO or HOLDFAST_NETWORK when a record could not be ended; the others are released
   * all the same.
   */
  release(): Promise<void>;
}

/** How often a call that may not wait starts over after a loss. */
const RESTARTS_WITHOUT_WAITING = 2;

/**
 * Acquires several locks, all or none, under one deadline. They are acquired in one order that is the same in every
 * process, so that two callers cannot each hold what the other waits for; the first ones are held while it waits for
 * the rest. Two names of one lock are one lock, held as strongly as the stronger of the two requests asks.
 *
 * If a hold is lost while it waits for another, all are released and it starts over: when it resolves, every lock is
 * held. Likewise if the server shows that two addresses are one lock (`localhost` and `127.0.0.1`).
 *
 * @throws LockError as `acquire` does, after releasing what it had acquired.
 */
export async function lockAll(items: readonly LockAllItem[], options: LockOptions = {}): Promise<GuardSet> {
  if (!Array.isArray(items)) throw new TypeError(`The locks must be an array, not ${show(items)}.`);
  checkOptions(options, LOCK_OPTIONS);
  const { members: all, ofItem } = await membersOf(items, options);
  const first = all[0];
  if (first === undefined) return guardSet([], []);
  const { clock } = first.target.namespace;
  const startedAt = clock.now();
  let members = all;
  for (let losses = 0; ;) {
    const setback = await acquireRound(members, () => clock.now() - startedAt);
    if (setback === undefined) break;
    members = members.filter(({ sameAs }) => sameAs === undefined);
    if (setback === 'merged' || first.options.timeout.ms !== 0) continue;
    if (losses++ === RESTARTS_WITHOUT_WAITING) throw setback.loss;
  }
  return guardSet(ofItem.map(guardOf), members.map(guardOf));
}

async function membersOf(
  items: readonly LockAllItem[],
  options: LockOptions,
): Promise<{ members: readonly Member[]; ofItem: readonly Member[] }> {
  const byKey = new Map<string, Member>();
  const ofItem: Member[] = [];
  for (const item of items) {
    const member = memberOf(item, options);
    const key = await keyOf(member);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, member);
    else known.options = stronger(known.options, member.options);
    ofItem.push(known ?? member);
  }
  const members = [...byKey].toSorted(([a], [b]) => compareKeys(a, b)).map(([, member]) => member);
  return { members, ofItem };
}

function memberOf(item: LockAllItem, options: LockOptions): Member {
  if (!isAddressWithMode(item)) {
    const target = targetOf(item);
    return memberFor(target, mergeOptions(optionsOf(item), options, target.namespace.leases));
  }
  checkOptions(item, ADDRESS_WITH_MODE);
  const target = targetOf(item.address);
  const own = { ...options, mode: item.mode ?? 'exclusive' };
  return memberFor(target, mergeOptions(undefined, own, target.namespace.leases));
}

function memberFor(target: Target, options: ResolvedOptions): Member {
  return { target, options, guard: undefined, sameAs: undefined };
}

const ADDRESS_WITH_MODE = { address: TEXT, mode: oneOf('exclusive', 'shared') };

function isAddressWithMode(item: LockAllItem): item is Exclude<LockAllItem, string | Lock> {
  return typeof item === 'object' && item !== null && !('options' in item);
}

/** A kernel lock is named by its file, which must be there for that: one that is missing is made as `acquire` makes it. */
async function keyOf({ target, options }: Member): Promise<string> {
  const { backend } = target.namespace;
  const resource = (await backend.canonicalName?.(target.resource)) ?? target.resource;
  const key = lockKey({ ...target, resource }, options.permits);
  if (key !== undefined) return key;
  const made = await tryAcquire(target, {
    ...options,
    mode: 'exclusive',
    fencing: false,
    permits: undefined,
  });
  await made?.release();
  return lockKey(target, options.permits) ?? `${target.namespace.backend.name}:${target.resource}`;
}

function guardSet(guards: readonly Guard[], taken: readonly Guard[]): GuardSet {
  let released: Promise<void> | undefined;
  let lost: AbortSignal | undefined;
  const release = (): Promise<void> => (released ??= releaseAll(taken));
  return {
    guards,
    get lost() {
      return (lost ??= AbortSignal.any(taken.map((guard) => guard.lost)));
    },
    assertHeld: (options) => {
      for (const guard of taken) guard.assertHeld(options);
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
