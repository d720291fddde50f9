import { errnoOf } from '../../core/system-error.js';
import { openDirectory, type RecordDirectory } from './directory.js';
import { callFailed } from './errors.js';

/** The name of one empty file in a lease directory is the last tick. Like a state, it changes by rename. */
const TICK = /^k\.(\d{16})$/;
const ATTEMPTS = 100;

const nameOf = (tick: number): string => `k.${String(tick).padStart(16, '0')}`;

/** Undefined when none was claimed, or there is no lease yet. */
export async function lastTick(path: string): Promise<number | undefined> {
  try {
    return highest(await openDirectory(path).list());
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw callFailed('inspect', path, error);
  }
}

/**
 * Claims `tick`; resolves with the last one when that is not below it. A rename from the name that was seen succeeds once, so
 * two who believe that they hold the lease never claim the same. What fails without an answer counts as claimed by another.
 */
export async function claimTick(path: string, tick: number): Promise<number | undefined> {
  const directory = openDirectory(path);
  for (let attempt = 1; ; attempt++) {
    const last = await lastTick(path);
    if (last !== undefined && last >= tick) return last;
    try {
      if (last === undefined) await directory.create(nameOf(tick));
      else await directory.rename(nameOf(last), nameOf(tick));
      await directory.sync();
      return undefined;
    } catch (error) {
      const isRaced = ['ENOENT', 'EEXIST', 'ESTALE'].includes(errnoOf(error) ?? '');
      if (!isRaced || attempt === ATTEMPTS) throw callFailed('claim a tick of', path, error);
      await probe(directory);
    }
  }
}

/** The next listing shows what others have made meanwhile. */
async function probe(directory: RecordDirectory): Promise<void> {
  try {
    await directory.probe();
  } catch {
    // It only makes the next listing fresh.
  }
}

function highest(names: readonly string[]): number | undefined {
  const ticks = names.flatMap((name) => TICK.exec(name)?.[1] ?? []).map(Number);
  return ticks.length === 0 ? undefined : Math.max(...ticks);
}
