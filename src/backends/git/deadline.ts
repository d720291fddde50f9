import type { Clock } from '../../core/time.js';

/** The one deadline of a call. Everything that waits for a network asks it how long it may. */
export interface Deadline {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds left, never negative. */
  leftMs(): number;
}

export function deadlineIn(timeoutMs: number, clock: Clock, signal?: AbortSignal): Deadline {
  const end = clock.now() + timeoutMs;
  return { timeoutMs, signal, leftMs: () => Math.max(0, end - clock.now()) };
}
