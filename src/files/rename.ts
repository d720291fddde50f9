import { rename } from 'node:fs/promises';

import { backoffDelayMs, type Clock, pause } from '../core/time.js';
import { systemClock } from '../platform/clock.js';
import { isWindowsSharingViolation } from './replace-sync.js';

/** First wait after a sharing violation; the next ones double. */
export const RENAME_FIRST_RETRY_MS = 50;
/** Longest wait between two attempts. */
export const RENAME_RETRY_CAP_MS = 1_000;
/** Milliseconds that a rename is retried by default. */
export const RENAME_TIMEOUT_MS = 30_000;

const BACKOFF = { firstMs: RENAME_FIRST_RETRY_MS, capMs: RENAME_RETRY_CAP_MS };

/** Options of {@link renameWithRetry}. */
export interface RenameOptions {
  /** Milliseconds from the call to the last attempt. Default {@link RENAME_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Ends the retries with the signal's reason. Default: none. */
  readonly signal?: AbortSignal;
  /**
   * Runs directly before every attempt, with nothing in between; what it throws ends the retries. Default: none.
   */
  readonly check?: (() => void) | undefined;
  /** @internal */
  readonly clock?: Clock;
  /** @internal Stands in for rename(2), so that sharing violations can be had anywhere. */
  readonly rename?: (from: string, to: string) => void | Promise<void>;
  /** @internal */
  readonly isSharingViolation?: (error: unknown) => boolean;
}

/**
 * Renames `from` to `to`, again and again while another program has one of them open in a way that forbids it
 * (Windows: virus scanners, indexers, readers): waits of 50 ms, doubling up to 1 s, all inside one deadline. The last
 * attempt is made at the deadline, never after it.
 *
 * @throws the error of the last attempt; every error that is no sharing violation at once; the signal's reason.
 */
export async function renameWithRetry(from: string, to: string, options: RenameOptions = {}): Promise<void> {
  const { clock = systemClock, timeoutMs = RENAME_TIMEOUT_MS, signal, check } = options;
  const move = options.rename ?? rename;
  const isSharingViolation = options.isSharingViolation ?? isWindowsSharingViolation;
  const deadline = clock.now() + timeoutMs;
  for (let attempts = 1; ; attempts++) {
    signal?.throwIfAborted();
    check?.();
    try {
      await move(from, to);
      return;
    } catch (error) {
      const leftMs = deadline - clock.now();
      if (leftMs <= 0 || !isSharingViolation(error)) throw error;
      // No jitter: the other side is no contender that backs off in step with us.
      const delayMs = backoffDelayMs(attempts, BACKOFF, () => 1);
      await pause(clock, Math.min(delayMs, leftMs), signal);
    }
  }
}
