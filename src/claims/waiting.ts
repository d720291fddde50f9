import { LockCanceledError } from '../core/errors.js';
import { systemClock, sleep } from '../platform/clock.js';
import type { ClaimResult } from './claim-result.js';

/** Looking costs a fetch, and claims are held for long. */
const LOOK_INTERVAL_MS = 5_000;

/** Looks until what is wanted is no longer contended, or `waitMs` have passed. */
export async function untilFree(
  look: () => Promise<ClaimResult>,
  {
    waitMs,
    onWait,
    signal,
  }: {
    readonly waitMs: number;
    readonly onWait: ((result: ClaimResult) => void) | undefined;
    readonly signal: AbortSignal | undefined;
  },
): Promise<ClaimResult> {
  const end = systemClock.now() + waitMs;
  for (;;) {
    const result = await look();
    const leftMs = end - systemClock.now();
    if (result.outcome !== 'contended' || !(leftMs > 0)) return result;
    onWait?.(result);
    // Those who began to wait together do not go on looking together.
    const pauseMs = LOOK_INTERVAL_MS * (0.75 + Math.random() / 2);
    await sleep(Math.min(pauseMs, leftMs), signal).catch((error: unknown) => {
      throw new LockCanceledError(
        'Could not wait for the claim any longer: the caller canceled. Nothing was claimed.',
        {
          resource: result.items[0]?.id ?? 'claims',
          cause: error,
        },
      );
    });
  }
}
