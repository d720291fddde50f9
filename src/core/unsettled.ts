import type { Clock } from './time.js';

/** `holdfast run` is a bundle beside the modules that it loads: what both count must be one thing. */
const KEY = Symbol.for('holdfast.unsettled.1');

function unsettled(): Set<Promise<unknown>> {
  const home = globalThis as { [KEY]?: Set<Promise<unknown>> };
  return (home[KEY] ??= new Set());
}

/** Counts `work`, whose outcome has no caller: a claim that is still under way, or its release. */
export function noteUnsettled(work: Promise<unknown>): void {
  const all = unsettled();
  const settled = work.then(
    () => undefined,
    () => undefined,
  );
  all.add(settled);
  void settled.then(() => all.delete(settled));
}

/**
 * Resolves once no claim of this process is under way without a caller, or after `limitMs`. A process that ends before
 * that may leave a hold behind, which stops others for as long as its lease.
 */
export async function whenSettled(clock: Clock, limitMs: number): Promise<void> {
  const endsAt = clock.now() + limitMs;
  // A claim that was answered late begins a release.
  while (unsettled().size > 0 && clock.now() < endsAt) {
    await new Promise<void>((resolve) => {
      const timer = clock.setTimer(endsAt - clock.now(), resolve);
      void Promise.all(unsettled()).then(() => {
        timer.clear();
        // After the entries have removed themselves.
        clock.yieldTurn(resolve);
      });
    });
  }
}
