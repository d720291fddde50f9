import type { HolderInfo } from './backend.js';
import type { DeadlockLink } from './deadlock.js';
import type { LockTimeoutError } from './errors.js';
import { printable } from './holder-json.js';
import { timeoutError } from './messages.js';
import type { Target } from './namespace.js';
import type { Timeout } from './timeout.js';

/** After this time past the deadline an error is thrown without holder names. */
const DIAGNOSTICS_WITHIN_MS = 200;

/** The holders and waiters of `target`; none if the backend cannot list them, which must not hide another error. */
export async function holdersOf({ namespace, resource }: Target): Promise<readonly HolderInfo[]> {
  try {
    return ((await namespace.backend.inspect?.(resource)) ?? []).map(printable);
  } catch {
    return [];
  }
}

/** The cycle that a wait for `target` closes, if the backend sees one. */
export async function deadlockOf({
  namespace,
  resource,
}: Target): Promise<readonly DeadlockLink[] | undefined> {
  try {
    return await namespace.backend.findDeadlock?.(resource);
  } catch {
    return undefined;
  }
}

/** Holders for a message. Those that the last attempt returned come first: inspecting again takes a round trip. */
export async function namedHolders(
  target: Target,
  known: readonly HolderInfo[] | undefined,
): Promise<readonly HolderInfo[]> {
  if (known !== undefined && known.length > 0) return known;
  return (await soon(target, holdersOf(target))) ?? [];
}

function namedDeadlock(target: Target): Promise<readonly DeadlockLink[] | undefined> {
  return soon(target, deadlockOf(target));
}

export interface TimedOut {
  /** The holders that the last attempt of the call returned. */
  readonly known?: readonly HolderInfo[] | undefined;
  /** A hold of this process stands in the way. */
  readonly isOwn?: boolean;
}

/** The error of a call whose deadline has passed. */
export async function timeoutOf(
  target: Target,
  timeout: Timeout,
  { known, isOwn = false }: TimedOut = {},
): Promise<LockTimeoutError> {
  const [holders, deadlock] = await Promise.all([namedHolders(target, known), namedDeadlock(target)]);
  return timeoutError(target.address, timeout, holders, { deadlock, isOwn });
}

function soon<T>({ namespace }: Target, answer: Promise<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    const timer = namespace.clock.setTimer(DIAGNOSTICS_WITHIN_MS, () => resolve(undefined));
    void answer.then((found) => {
      timer.clear();
      resolve(found);
    });
  });
}
