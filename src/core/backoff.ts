export interface BackoffOptions {
  readonly firstMs: number;
  readonly capMs: number;
}

/** How backends without a queue of their own are asked again. */
export const ACQUIRE_BACKOFF: BackoffOptions = { firstMs: 20, capMs: 1_000 };

/**
 * Delay before attempt number `attempt` (from 1): doubling up to the cap, of which the upper half is random,
 * so that contenders that failed together do not come back together.
 */
export function backoffDelayMs(
  attempt: number,
  options: BackoffOptions = ACQUIRE_BACKOFF,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(options.capMs, options.firstMs * 2 ** Math.min(attempt - 1, 30));
  return ceiling / 2 + (random() * ceiling) / 2;
}
