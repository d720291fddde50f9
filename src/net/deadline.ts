import type { Clock } from '../core/time.js';

/** A signal that aborts at a deadline or with another signal, whichever comes first. Must be disposed of. */
export interface DeadlineSignal {
  readonly signal: AbortSignal;
  /** True once the deadline, not the other signal, has ended it. */
  readonly isExpired: boolean;
  /** Moves the deadline to `delayMs` from now. */
  extend(delayMs: number): void;
  dispose(): void;
}

/** `delayMs` may be Infinity. */
export function deadlineSignal(
  clock: Clock,
  delayMs: number,
  parent: AbortSignal | undefined,
): DeadlineSignal {
  const controller = new AbortController();
  let isExpired = false;
  const expire = (): void => {
    isExpired = !controller.signal.aborted;
    controller.abort(new Error('the deadline has passed'));
  };
  const arm = (ms: number) => (ms === Infinity ? undefined : clock.setTimer(Math.max(0, ms), expire));
  const onParent = (): void => controller.abort(parent?.reason);
  let timer = arm(delayMs);
  if (parent?.aborted === true) onParent();
  else parent?.addEventListener('abort', onParent, { once: true });
  return {
    signal: controller.signal,
    get isExpired() {
      return isExpired;
    },
    extend(ms) {
      timer?.clear();
      timer = arm(ms);
    },
    dispose() {
      timer?.clear();
      parent?.removeEventListener('abort', onParent);
    },
  };
}
