import type { Capabilities } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';

export const GIT_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'stays',
  fencing: true,
};

/** Time for the network, in all, of one command about claims. */
export const DEFAULT_NETWORK_TIMEOUT_MS = 30_000;
/** How long a claim must have looked the same from a clone before that clone may steal it. */
export const DEFAULT_STALE_AFTER_MS = 60 * 60_000;

/** The one deadline of a call. Everything that waits for a network takes its time limit from it. */
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
