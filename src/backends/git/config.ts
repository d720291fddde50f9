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
  /** Milliseconds that {@link settle} would leave at least. */
  readonly settleMs: number;
  /** Grants them, once: a push was sent, and what became of it is to be found out. */
  settle(): void;
}

/** @param settleMs beyond `timeoutMs`, for a push that was sent within it. */
export function deadlineIn(
  timeoutMs: number,
  clock: Clock,
  signal: AbortSignal | undefined,
  settleMs = 0,
): Deadline {
  let end = clock.now() + timeoutMs;
  let restMs = settleMs;
  return {
    timeoutMs,
    signal,
    leftMs: () => Math.max(0, end - clock.now()),
    get settleMs() {
      return restMs;
    },
    settle() {
      if (restMs > 0) end = Math.max(end, clock.now() + restMs);
      restMs = 0;
    },
  };
}
