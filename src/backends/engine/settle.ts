import type { Clock } from '../../core/time.js';
import { noteUnsettled } from '../../core/unsettled.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1_000;

/**
 * Repeats `attempt` until it succeeds or `isOver`: what a server was sent without an answer is settled this way. Never
 * rejects, and never keeps the process alive.
 */
export function settleInBackground(
  clock: Clock,
  isOver: () => boolean,
  attempt: () => Promise<unknown>,
): Promise<void> {
  const settled = settle(clock, isOver, attempt);
  noteUnsettled(settled);
  return settled;
}

async function settle(clock: Clock, isOver: () => boolean, attempt: () => Promise<unknown>): Promise<void> {
  for (let pauseMs = FIRST_PAUSE_MS; !isOver(); pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      await attempt();
      return;
    } catch {
      await new Promise<void>((resolve) => {
        clock.setTimer(pauseMs, resolve, { keepsProcessAlive: false });
      });
    }
  }
}
