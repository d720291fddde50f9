import type { Clock } from './clock.js';
import type { ResolvedOptions } from './options.js';
import type { ResourceQueue } from './queue.js';
import { queueMode } from './request.js';
import type { Wait } from './wait.js';

/** The caller's {@link turn}, and word to the caller when it has to wait for it. */
export async function turnTold(
  clock: Clock,
  options: ResolvedOptions,
  queue: ResourceQueue,
  wait: Wait,
): Promise<void> {
  const wasPaused = queue.isPaused;
  let hasCome = false;
  // In the queue before the caller hears of it: `onWait` may end the very hold that is in the way.
  const coming = turn(queue, options, wait).then(() => {
    hasCome = true;
  });
  if (!wasPaused) wait.noteContention();
  // A pause between two holds of our own is no contention worth telling about, unless others go in after it.
  else if (options.onWait !== undefined) {
    clock.yieldTurn(() => {
      if (!hasCome && wait.ended === undefined) wait.noteContention();
    });
  }
  await coming;
}

/** Resolves at the door; rejects with the {@link WaitEnd} after having left the queue. */
function turn(queue: ResourceQueue, options: ResolvedOptions, wait: Wait): Promise<void> {
  return new Promise((resolve, reject) => {
    if (wait.ended !== undefined) return reject(wait.ended);
    const stopListening = wait.onEnd(() => {
      // False: the turn came first, in this same tick. Then the caller is at the door and must leave it as such.
      if (leave()) reject(wait.ended);
    });
    const leave = queue.join(queueMode(options), () => {
      stopListening();
      resolve();
    });
  });
}
