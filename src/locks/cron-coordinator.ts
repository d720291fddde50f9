import { resolve } from 'node:path';

import { isServer } from './list.js';
import { oncePerTick } from './once-per-tick.js';

/** As node-cron calls it; see its `setRunCoordinator` and the option `runCoordinator`. */
export interface CronCoordinator {
  /**
   * True for one of the processes that ask about the same run.
   *
   * @throws what `oncePerTick` throws; node-cron then skips the run.
   */
  shouldRun(key: string): Promise<boolean>;
}

/** `PREFIX:2026-11-30T21:00:00.000Z`: the task, and the time for which the run was scheduled. */
const KEY = /^(.*):(\d{4}-\d\d-\d\dT[\d:.]+Z)$/s;

/**
 * Lets node-cron run each scheduled time of a task with `distributed: true` in one process only, by {@link oncePerTick} with
 * the scheduled time as the tick. Tasks need a `name` that is the same in each process.
 *
 * @param place a directory, or the address of a server without the name of a lock (`redis://HOST`); each task has a lock
 *   of its own there.
 * @throws TypeError for a place that is neither, and, from `shouldRun`, for a key that is not node-cron's.
 * @example
 * cron.setRunCoordinator(cronCoordinator('redis://127.0.0.1'));
 */
export function cronCoordinator(place: string): CronCoordinator {
  if (typeof place !== 'string' || place === '' || (!isServer(place) && /^[a-z][a-z0-9+.-]+:/i.test(place))) {
    throw new TypeError(
      `Runs cannot be coordinated at "${place}": give a directory, or the address of a server without the name of a lock.`,
    );
  }
  return {
    async shouldRun(key) {
      const [, task, time] = KEY.exec(key) ?? [];
      const tick = Date.parse(time ?? '');
      if (task === undefined || Number.isNaN(tick))
        throw new TypeError(`"${key}" names no run of node-cron: its end must be a time.`);
      const name = encodeURIComponent(task);
      const lock = isServer(place) ? `${place}#cron ${name}` : resolve(place, `cron.${name}.lock`);
      return (await oncePerTick(lock, tick, () => undefined)).hasRun;
    },
  };
}
