import { sleep } from '../platform/clock.js';
import { installError } from './errors.js';
import type { FetchContext } from './fetch-context.js';

/** Waits before the second, third and fourth attempt. */
export const RETRY_DELAYS_MS: readonly number[] = [1_000, 2_000, 4_000];
/** How far a wait strays from its value, so that callers that failed together do not come back together. */
export const RETRY_JITTER = 0.1;

/** How one attempt ended. `permanent`: asking again would get the same answer. */
export type AttemptOutcome<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'transient' | 'permanent'; readonly reason: string };

/**
 * Runs `attempt` up to four times. Only what may pass by itself is tried again: names that cannot be resolved,
 * connections that break, servers that are busy, attempts that hang.
 *
 * @throws LockError HOLDFAST_NETWORK, naming the number of attempts and the last reason.
 */
export async function retryTransient<T>(
  what: string,
  context: FetchContext,
  attempt: () => Promise<AttemptOutcome<T>>,
): Promise<T> {
  const attempts = RETRY_DELAYS_MS.length + 1;
  for (let number = 1; ; number++) {
    const outcome = await attempt();
    if (outcome.kind === 'done') return outcome.value;
    const { kind, reason } = outcome;
    if (kind === 'permanent') {
      const next = 'Check the address, the ref and your access rights';
      throw installError('HOLDFAST_NETWORK', context.recipeName, `${what} failed: ${reason}`, next);
    }
    const delayMs = RETRY_DELAYS_MS[number - 1];
    if (delayMs === undefined) {
      const fact = `${what} failed after ${attempts} attempts: ${reason}`;
      throw installError('HOLDFAST_NETWORK', context.recipeName, fact, 'Check the network and try again');
    }
    const jitteredMs = context.hasJitter
      ? delayMs * (1 - RETRY_JITTER + 2 * RETRY_JITTER * Math.random())
      : delayMs;
    context.reporter.send({ type: 'retry', attempt: number, attempts, delayMs: jitteredMs, reason });
    await sleep(jitteredMs, context.signal);
  }
}
