import { acquire } from '../core/acquisition.js';
import type { Target } from '../core/namespace.js';
import type { Guard } from '../core/guard.js';
import { mergeOptions, type LockOptions, type ResolvedOptions } from '../core/options.js';
import { realPathOf } from '../files/real-path.js';
import { optionsOf, targetOf, type Lock } from './lock.js';

/** One of the locks of a {@link lockAll}: an address, a Lock, or an address with a mode of its own. */
export type LockAllItem = string | Lock | { readonly address: string; readonly mode?: LockOptions['mode'] };

/** What {@link lockAll} resolves to: several holds that began and end together. */
export interface GuardSet extends AsyncDisposable {
  /** In the order of the locks as they were given; equal for two names of one lock. */
  readonly guards: readonly Guard[];
  /** Aborts when any of the holds ends by surprise. */
  readonly lost: AbortSignal;
  /** @throws LockError HOLDFAST_LOST unless every hold lasts for `marginMs` more. */
  assertHeld(options?: { readonly marginMs?: number }): void;
  /** Ends all holds, the last taken first. Idempotent. */
  release(): Promise<void>;
}

interface Member {
  readonly target: Target;
  options: ResolvedOptions;
  guard: Guard | undefined;
}

/**
 * Takes several locks, all or none, under one deadline. They are taken in one order that is the same in every
 * process, so that two callers cannot each hold what the other waits for; those taken first are held while it waits
 * for the rest. Two names of one file are one lock, exclusive if either asks for that.
 *
 * @throws LockError as `acquire` does, after releasing what it had taken.
 */
export async function lockAll(items: readonly LockAllItem[], options: LockOptions = {}): Promise<GuardSet> {
  const { members, ofItem } = membersOf(items, options);
  const first = members[0];
  if (first === undefined) return guardSet([], []);
  const { clock } = first.target.namespace;
  const startedAt = clock.now();
  const taken: Guard[] = [];
  try {
    for (const member of members) {
      const elapsedMs = clock.now() - startedAt;
      member.guard = await acquire(member.target, {
        ...member.options,
        timeout: member.options.timeout.after(elapsedMs),
      });
      taken.push(member.guard);
    }
  } catch (error) {
    await releaseAll(taken);
    throw error;
  }
  return guardSet(
    ofItem.map((member) => member.guard as Guard),
    taken,
  );
}

function membersOf(
  items: readonly LockAllItem[],
  options: LockOptions,
): { members: readonly Member[]; ofItem: readonly Member[] } {
  const byKey = new Map<string, Member>();
  const ofItem = items.map((item) => {
    const own =
      typeof item === 'object' && !('options' in item) ? { mode: item.mode ?? 'exclusive' } : undefined;
    const lock = typeof item === 'object' && !('options' in item) ? item.address : item;
    const target = targetOf(lock);
    const resolved = mergeOptions(own ?? optionsOf(lock), { ...options, ...own }, target.namespace.hasLeases);
    const key = orderKey(target);
    const known = byKey.get(key);
    if (known === undefined) {
      const member: Member = { target, options: resolved, guard: undefined };
      byKey.set(key, member);
      return member;
    }
    if (resolved.mode === 'exclusive') known.options = resolved;
    return known;
  });
  const members = [...byKey].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member);
  return { members, ofItem };
}

/** Equal for two names of one lock, and ordered alike in every process of every host that can see it. */
function orderKey({ namespace, resource }: Target): string {
  const { name, capabilities } = namespace.backend;
  return `${name}:${capabilities.reach === 'host' ? realPathOf(resource) : resource}`;
}

async function releaseAll(taken: readonly Guard[]): Promise<void> {
  const outcomes = await Promise.allSettled(taken.toReversed().map((guard) => guard.release()));
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
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
