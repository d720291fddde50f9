import type { AcquireRequest, Attempt, Grant } from '../../core/backend.js';
import { pause, unlessAborted } from '../../net/within.js';
import type { RedisContext } from './grant.js';
import { keysOf } from './keys.js';

/** A release is published; this is for ends without a message: an expiry, a lost message, a holder that was killed. */
const LOOK_AGAIN_MS = 1_000;
/** Without a subscription (the caller's own client) the look is all there is. */
const LOOK_AGAIN_UNTOLD_MS = 100;

/** Asks until granted. A refusal has changed nothing on the server, so one holder id serves for all attempts. */
export async function waitForRelease(
  { connection, clock }: RedisContext,
  request: AcquireRequest,
  signal: AbortSignal,
  tryAcquire: (request: AcquireRequest) => Promise<Attempt>,
): Promise<Grant> {
  let released = newSignal();
  const stop = connection.listen?.(keysOf(request.resource).released, () => released.fire());
  try {
    for (;;) {
      signal.throwIfAborted();
      // Before the attempt: a release between a refusal and the wait must not be missed.
      released = newSignal();
      const attempt = await unlessAborted(signal, tryAcquire(request), discard);
      if (attempt.kind === 'granted') return attempt.grant;
      const pollMs = stop === undefined ? LOOK_AGAIN_UNTOLD_MS : LOOK_AGAIN_MS;
      await pause(clock, Math.min(pollMs, (attempt.retryAfterMs ?? pollMs) + 1), signal, released.fired);
    }
  } finally {
    stop?.();
  }
}

function discard(late: Attempt): void {
  if (late.kind !== 'granted') return;
  void Promise.resolve(late.grant.release()).catch(() => undefined);
}

function newSignal(): { readonly fired: Promise<void>; fire(): void } {
  let fire = (): void => undefined;
  const fired = new Promise<void>((resolve) => (fire = resolve));
  return { fired, fire };
}
