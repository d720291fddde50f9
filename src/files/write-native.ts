import { join } from 'node:path';

import { errnoName } from '../core/system-error.js';
import type { DurableCalls, NativeAddon, PreparedWrite } from '../platform/native-contract.js';
import { StepError, type Destination, type Replacement, type Step, type TempWriter } from './replacement.js';
import { isSyncUnsupported } from './sync-directory.js';
import { newTempName } from './temp-name.js';

/** Indexed by the DURABLE_* numbers of the addon. */
const STEPS: readonly Step[] = [
  'open-directory',
  'create',
  'lock',
  'write',
  'sync',
  'rename',
  'sync-directory',
];

/** The writer that needs one hop to another thread. Undefined where the addon cannot do it (Windows). */
export function nativeTempWriter(native: NativeAddon): TempWriter | undefined {
  if (native.writeDurable === undefined) return undefined;
  // One file of C brings all three.
  const calls = native as NativeAddon & Required<DurableCalls>;

  function start(
    destination: Destination,
    temp: string,
    data: Uint8Array,
    mode: number | undefined,
    isCommitted: boolean,
  ): Promise<PreparedWrite | undefined> {
    return new Promise((resolve, reject) => {
      const { directory, name } = destination;
      const started = calls.writeDurable(
        directory,
        name,
        temp,
        data,
        mode ?? -1,
        isCommitted,
        (result, step, prepared) => {
          if (isDone(result, step)) resolve(prepared);
          else reject(stepError(result, step));
        },
      );
      if (started < 0) reject(stepError(started, 1));
    });
  }

  return {
    async prepare(destination, data, mode): Promise<Replacement> {
      const temp = newTempName(destination.name, true);
      const prepared = (await start(destination, temp, data, mode, false)) as PreparedWrite;
      return {
        tempPath: join(destination.directory, temp),
        finish: () =>
          new Promise((resolve, reject) => {
            const started = calls.finishDurable(prepared, (result, step) => {
              if (isDone(result, step)) resolve();
              else reject(stepError(result, step));
            });
            if (started < 0) reject(stepError(started, 7));
          }),
        discard: () => {
          calls.discardDurable(prepared);
          return Promise.resolve();
        },
      };
    },
    async replace(destination, data, mode): Promise<void> {
      await start(destination, newTempName(destination.name, true), data, mode, true);
    },
  };
}

/** A file system that cannot sync its directories has done all it can. */
function isDone(result: number, step: number): boolean {
  return result === 0 || (STEPS[step - 1] === 'sync-directory' && isSyncUnsupported(errnoName(-result)));
}

function stepError(result: number, step: number): StepError {
  return new StepError(STEPS[step - 1] ?? 'write', errnoName(-result));
}
