import type { Attempt } from './backend.js';
import type { Wait } from './wait.js';

/**
 * The attempt's outcome, or the {@link WaitEnd} as soon as the wait ends. A grant that arrives after that is
 * given back: its caller has been told that it does not hold.
 */
export function unlessEnded(attempt: Attempt | Promise<Attempt>, wait: Wait): Attempt | Promise<Attempt> {
  if (!(attempt instanceof Promise)) return attempt;
  return new Promise((resolve, reject) => {
    const onEnd = (): void => {
      discardLater(attempt);
      reject(wait.ended);
    };
    if (wait.ended !== undefined) return onEnd();
    // In the same microtask as the outcome: an end in the next one must not give back what is already passed on.
    const stopListening = wait.onEnd(onEnd);
    attempt.then(
      (outcome) => {
        stopListening();
        resolve(outcome);
      },
      (error: unknown) => {
        stopListening();
        reject(error);
      },
    );
  });
}

/** Gives the grant back, if there will be one, once the attempt has come to its end. */
export function discardLater(attempt: Attempt | Promise<Attempt> | undefined): void {
  if (attempt === undefined) return;
  void Promise.resolve(attempt)
    .then(
      (late) => (late.kind === 'granted' ? late.grant.release() : undefined),
      // The caller has already been answered; nobody is left to hear why the attempt failed.
      () => undefined,
    )
    .catch(() => undefined);
}
