import { isLockError, type ErrorCode, type LockError } from '../core/errors.js';
import { sleep, systemClock } from '../platform/clock.js';
import type { Client, Subject } from './subject.js';

/** The two times of the suite, in milliseconds. A runner for mutants, which hang by nature, may shorten the second. */
export const timing = {
  /** How long a case watches for something that must not happen. */
  quiescentMs: 250,
  /** How long a case waits for something that must happen before it fails. */
  hangMs: 20_000,
};

/** Fails the case unless `fact` holds. */
export function check(fact: boolean, otherwise: string): asserts fact {
  if (!fact) throw new Error(otherwise);
}

/** The value of `promise`; fails the case when it takes longer than `withinMs`. */
export async function soon<T>(promise: Promise<T>, what: string, withinMs = timing.hangMs): Promise<T> {
  const stop = new AbortController();
  const hang = sleep(withinMs, stop.signal).then(
    () => Promise.reject(new Error(`${what} did not happen within ${withinMs} ms`)),
    () => new Promise<never>(() => undefined),
  );
  try {
    return await Promise.race([promise, hang]);
  } finally {
    stop.abort();
  }
}

/** Fails the case when `promise` settles within {@link timing.quiescentMs}. */
export async function stays(promise: Promise<unknown>, what: string): Promise<void> {
  const settled = promise.then(
    () => true,
    () => true,
  );
  check(!(await Promise.race([settled, sleep(timing.quiescentMs).then(() => false)])), what);
}

/** The LockError with one of `codes` that `promise` rejects with. */
export async function rejectsWith(
  promise: Promise<unknown>,
  ...codes: readonly ErrorCode[]
): Promise<LockError> {
  const outcome = await soon(
    promise.then(
      () => 'resolved' as const,
      (error: unknown) => ({ error }),
    ),
    `an error ${codes.join(' or ')}`,
  );
  check(outcome !== 'resolved', `expected ${codes.join(' or ')}, but it resolved`);
  const { error } = outcome;
  if (!isLockError(error)) throw error;
  check(codes.includes(error.code), `expected ${codes.join(' or ')}, got ${error.code}: ${error.message}`);
  return error;
}

export async function elapsedMs(work: () => Promise<unknown>): Promise<number> {
  const startedAt = systemClock.now();
  await work();
  return systemClock.now() - startedAt;
}

/** Runs `work` with `count` clients, which are disposed of whatever happens. */
export async function withClients(
  subject: Subject,
  count: number,
  work: (...clients: [Client, Client, ...Client[]]) => Promise<void>,
): Promise<void> {
  const clients = await Promise.all(Array.from({ length: Math.max(2, count) }, () => subject.createClient()));
  try {
    await work(...(clients as [Client, Client, ...Client[]]));
  } finally {
    await Promise.all(clients.map((client) => client.dispose()));
  }
}
