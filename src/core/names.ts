import type { HolderInfo } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { Target } from './acquire.js';
import type { Lookout } from './wait.js';

/** Who was in the way of the last attempt, where the backend knew. */
export interface Seen {
  holders?: readonly HolderInfo[] | undefined;
}

/** Names for a message. A backend that cannot tell must not hide the error that the message is about. */
async function holdersOf(target: Target): Promise<readonly HolderInfo[]> {
  try {
    return (await target.space.backend.inspect?.(target.resource)) ?? [];
  } catch {
    return [];
  }
}

/** What the attempt itself was told comes first: to ask once more over a network would take longer than an error waits. */
export async function namesFor(target: Target, { holders = [] }: Seen): Promise<readonly HolderInfo[]> {
  return holders.length > 0 ? holders : soonOr([], target, holdersOf(target));
}

/** How long an error waits for names beyond its deadline; without them it says less, but it comes. */
const NAMES_WITHIN_MS = 200;

function soonOr<T>(otherwise: T, { space }: Target, names: Promise<T>): Promise<T> {
  return new Promise((resolve) => {
    const timer = space.clock.setTimer(NAMES_WITHIN_MS, () => resolve(otherwise));
    void names.then((found) => {
      timer.clear();
      resolve(found);
    });
  });
}

async function deadlockOf({ space, resource }: Target): Promise<readonly DeadlockLink[] | undefined> {
  try {
    return await space.backend.findDeadlock?.(resource);
  } catch {
    return undefined;
  }
}

export function deadlockSoon(target: Target): Promise<readonly DeadlockLink[] | undefined> {
  return soonOr(undefined, target, deadlockOf(target));
}

/** What a wait asks about those who are in the way. */
export function lookoutFor(target: Target): Lookout {
  const inspect = (): Promise<readonly HolderInfo[]> => holdersOf(target);
  if (target.space.backend.findDeadlock === undefined) return { inspect };
  return { inspect, findDeadlock: () => deadlockOf(target) };
}
