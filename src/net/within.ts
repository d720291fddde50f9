import type { Clock } from '../core/time.js';
import { SilentServerError } from './unavailable.js';

/** How long a server may take to answer before it counts as unreachable. */
export const SERVER_ANSWER_MS = 5_000;

/** What is left for a server within a call that may take `timeoutMs`; a tenth is kept to say what was wrong. */
export function answerBudgetMs(timeoutMs: number | undefined): number {
  if (timeoutMs === undefined || timeoutMs === 0) return SERVER_ANSWER_MS;
  return Math.min(SERVER_ANSWER_MS, timeoutMs * 0.9);
}

/** The outcome of `work`, or {@link SilentServerError} after `budgetMs`; `work` itself goes on unheard. */
export function within<T>(clock: Clock, budgetMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    // What came while this process did not run is read before it counts as missing.
    const timer = clock.setTimer(budgetMs, () =>
      clock.yieldTurn(() => reject(new SilentServerError(budgetMs))),
    );
    work.then(
      (value) => {
        timer.clear();
        resolve(value);
      },
      (error: unknown) => {
        timer.clear();
        reject(error);
      },
    );
  });
}

/** Resolves after `delayMs`, or as soon as `wake` or `signal` fires; never rejects. */
export function pause(
  clock: Clock,
  delayMs: number,
  signal: AbortSignal,
  wake?: Promise<void>,
): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      timer.clear();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal.addEventListener('abort', end, { once: true });
    void wake?.then(end);
  });
}

/**
 * `work`, unless `signal` aborts first: then rejects with its reason at once, and `discard` puts away what `work`
 * may still bring.
 */
export function unlessAborted<T>(
  signal: AbortSignal,
  work: Promise<T>,
  discard: (late: T) => unknown,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isAnswered = false;
    const onAbort = (): void => {
      isAnswered = true;
      reject(signal.reason);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    work.then(
      (value) => {
        signal.removeEventListener('abort', onAbort);
        if (isAnswered) discard(value);
        else resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}
