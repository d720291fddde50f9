import { existsSync, renameSync } from 'node:fs';

import { checkOptions, NUMBER, OBJECT, SIGNAL, type OptionRule } from '../core/check-options.js';
import type { Guard } from '../core/guard.js';
import type { Clock } from '../core/time.js';
import { errnoOf } from '../core/system-error.js';
import { systemClock } from '../platform/clock.js';
import { availableNative } from '../platform/native.js';
import { resolveLinks } from '../files/real-path.js';
import { namedState, readNamedSync } from '../files/open-named.js';
import { readReplacedSync } from '../files/replaced-sync.js';
import { writeFailure } from './failure.js';
import { assertNotFenced, type Fencing } from './fencing.js';
import { renameWithRetry, RENAME_TIMEOUT_MS } from '../files/rename.js';
import { destinationOf, StepError, type Destination, type TempWriter } from '../files/replacement.js';
import { attemptSweep, sweepNowAndThen } from '../files/sweep.js';
import { nativeTempWriter } from '../files/write-native.js';
import { plainTempWriter } from '../files/write-plain.js';

/** Temps that vanish one after the other are no race any more. */
const START_OVER_LIMIT = 10;

/** Options of {@link writeFileDurable}. */
export interface WriteOptions {
  /**
   * Permission bits of the file. Default: those of the file that is replaced. A new file has 0o600, or 0o660 with the
   * directory's group where that group may write there.
   */
  readonly mode?: number;
  /** The hold under which this write is made; checked directly before the rename. Default: none. */
  readonly guard?: Pick<Guard, 'assertHeld'>;
  /** Refuses this write when the file was written under a newer token. Default: no check. */
  readonly fencing?: Fencing;
  /** Milliseconds for the rename's retries, which only Windows needs. Default {@link RENAME_TIMEOUT_MS}. */
  readonly timeoutMs?: number;
  /** Ends the write with the signal's reason, up to the rename. Default: none. */
  readonly signal?: AbortSignal;
}

const WRITE_OPTIONS = {
  mode: NUMBER,
  guard: OBJECT,
  fencing: OBJECT,
  timeoutMs: NUMBER,
  signal: SIGNAL,
} satisfies Record<keyof WriteOptions, OptionRule>;

/** What tests put in the place of the real thing. */
export interface WriteParts {
  readonly writer: TempWriter;
  readonly clock: Clock;
  /** In the place of rename(2). */
  readonly rename?: (from: string, to: string) => void;
  readonly isSharingViolation?: (error: unknown) => boolean;
}

let systemParts: WriteParts | undefined;

function partsOfThisSystem(): WriteParts {
  if (systemParts === undefined) {
    const native = availableNative();
    const writer = (native && nativeTempWriter(native)) ?? plainTempWriter;
    systemParts = { writer, clock: systemClock };
  }
  return systemParts;
}

/**
 * Replaces the content of the file at `path` so that every reader, at any time and after any crash, sees the old
 * content or the new one, whole: a temp file beside it is written, synced and renamed, and the directory synced.
 * A symbolic link is written through. `data` must not be changed before the promise settles.
 *
 * Access control lists are kept on Linux; where one cannot be, the group gets no more than its own entry had. Not kept:
 * hard links and other extended attributes. No lock is taken: of two writers at once the later
 * rename wins.
 *
 * @throws LockError HOLDFAST_IO (no space, a failing device), HOLDFAST_PERMISSION, HOLDFAST_UNSUPPORTED for what is no
 *   regular file, HOLDFAST_LOST by `guard` or `fencing`. The old content is intact, unless the message says that only
 *   the last sync failed.
 * @example
 * await writeFileDurable('state.bin', bytes);
 */
export async function writeFileDurable(
  path: string,
  data: string | Uint8Array,
  options: WriteOptions = {},
): Promise<void> {
  checkOptions(options, WRITE_OPTIONS);
  return writeWith(partsOfThisSystem(), path, data, options);
}

export async function writeWith(
  parts: WriteParts,
  path: string,
  data: string | Uint8Array,
  options: WriteOptions,
): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data;
  const deadline = parts.clock.now() + (options.timeoutMs ?? RENAME_TIMEOUT_MS);
  let destination = destinationOf(path);
  sweepNowAndThen(destination.directory);
  let hasFreedSpace = false;
  for (let attempts = 1; ; attempts++) {
    options.signal?.throwIfAborted();
    try {
      return await replaceOnce(parts, destination, bytes, options, deadline);
    } catch (error) {
      if (isToStartOver(error) && attempts < START_OVER_LIMIT) continue;
      if (
        error instanceof StepError &&
        error.step === 'create' &&
        error.errno === 'ELOOP' &&
        attempts === 1
      ) {
        destination = destinationOf(resolveLinks(path));
        continue;
      }
      // Orphans may be what fills the disk.
      const isFull = error instanceof StepError && (error.errno === 'ENOSPC' || error.errno === 'EDQUOT');
      if (isFull && !hasFreedSpace && attemptSweep(destination.directory) > 0) {
        hasFreedSpace = true;
        continue;
      }
      throw writeFailure(path, bytes.length, error);
    }
  }
}

/** A sweep took the temp; or another client of a file server has just replaced the file, and this one looked at the old. */
function isToStartOver(error: unknown): boolean {
  if (!(error instanceof StepError)) return false;
  return error.errno === 'EAGAIN' || (error.errno === 'ESTALE' && error.step === 'create');
}

async function replaceOnce(
  parts: WriteParts,
  destination: Destination,
  bytes: Uint8Array,
  options: WriteOptions,
  deadline: number,
): Promise<void> {
  const { writer } = parts;
  const { guard, fencing, signal, mode } = options;
  const isUnchecked = guard === undefined && fencing === undefined && signal === undefined && !parts.rename;
  if (isUnchecked && writer.replace !== undefined) return writer.replace(destination, bytes, mode);
  const replacement = await writer.prepare(destination, bytes, mode);
  try {
    await renameWithRetry(replacement.tempPath, destination.path, {
      timeoutMs: Math.max(0, deadline - parts.clock.now()),
      clock: parts.clock,
      // Synchronous on purpose: a hop to another thread would stand between the check and its effect.
      rename: parts.rename ?? renameSync,
      check: () => {
        guard?.assertHeld();
        if (fencing !== undefined)
          assertNotFenced(destination.path, fencing.token, tokenIn(destination.path, fencing));
      },
      ...(signal && { signal }),
      ...(parts.isSharingViolation && { isSharingViolation: parts.isSharingViolation }),
    });
  } catch (error) {
    const isTempGone = errnoOf(error) === 'ENOENT' && !existsSync(replacement.tempPath);
    await replacement.discard();
    if (isTempGone) throw new StepError('rename', 'EAGAIN', error);
    throw errnoOf(error) === undefined ? error : new StepError('rename', errnoOf(error) as string, error);
  }
  await replacement.finish();
}

/** INV-DURABLE-5: what was read before stands for a file in the very same state, and for no other. */
function tokenIn(path: string, fencing: Fencing): bigint | undefined {
  const { known } = fencing;
  if (known !== undefined && namedState(path) === known.state) return known.token;
  try {
    return fencing.tokenOf(readReplacedSync(path, () => readNamedSync(path)));
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
