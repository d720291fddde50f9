import { constants } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';

import { errnoName, errnoOf } from '../core/system-error.js';
import { openNamed } from '../files/open-named-async.js';
import { NAMED_APPEND } from '../files/open-named.js';
import { refreshNames } from '../files/replaced.js';
import { StepError } from '../files/replacement.js';
import { isSyncUnsupported, syncDirectory } from '../files/sync-directory.js';
import {
  APPEND_COMPARE,
  APPEND_OPEN,
  APPEND_SYNC_DIRECTORY,
  APPEND_WRITE,
  type AppendCalls,
} from '../platform/native-contract.js';
import { availableNative } from '../platform/native.js';

/** A file as fstat(2) shows it: device, inode, size, time of the last change in ns. All zero: unknown. */
export type FileState = BigUint64Array;

/** What became of the bytes of one append. */
export type Appended =
  /** The file was not as the caller thought; nothing was written. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'written' }
  /** The first `writtenBytes` are on disk, the others are not in the file. */
  | { readonly kind: 'cut'; readonly writtenBytes: number; readonly error: unknown }
  /** The bytes are in the file, and whether they are on disk is not known. */
  | { readonly kind: 'unsynced'; readonly error: unknown };

export interface AppendOrder {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** As the caller knows the file. Filled in again for the file as it then is, or with zeros. */
  readonly state: FileState;
  /** The file's name may not be on disk yet. */
  readonly isNew: boolean;
}

/** Writes and syncs, if the file is in the state that the order names. Two kinds with the same guarantees. */
export type AppendWriter = (order: AppendOrder) => Promise<Appended>;

const IN_PLACE = constants.O_RDWR | constants.O_NONBLOCK;

let systemWriter: AppendWriter | undefined;

export function appendWriter(): AppendWriter {
  if (systemWriter === undefined) {
    const native = availableNative();
    systemWriter =
      native?.appendDurable === undefined ? plainAppend : nativeAppend(native as Required<AppendCalls>);
  }
  return systemWriter;
}

/** All of it is one job on another thread. */
function nativeAppend(native: Required<AppendCalls>): AppendWriter {
  return ({ path, bytes, state, isNew }) =>
    new Promise((resolve, reject) => {
      const started = native.appendDurable(
        dirname(path),
        path,
        bytes,
        state,
        isNew,
        (result, step, writtenBytes) => resolve(appendedOf(result, step, writtenBytes)),
      );
      if (started < 0) reject(new StepError('write', errnoName(-started)));
    });
}

function appendedOf(result: number, step: number, writtenBytes: number): Appended {
  if (result === 0) return { kind: 'written' };
  // What is wrong with the name, looking at the end says better.
  if (step === APPEND_OPEN || step === APPEND_COMPARE) return { kind: 'changed' };
  const errno = errnoName(-result);
  if (step === APPEND_WRITE) return { kind: 'cut', writtenBytes, error: new StepError('write', errno) };
  if (step !== APPEND_SYNC_DIRECTORY) return { kind: 'unsynced', error: new StepError('sync', errno) };
  if (isSyncUnsupported(errno)) return { kind: 'written' };
  return { kind: 'unsynced', error: new StepError('sync-directory', errno) };
}

/** The same order of calls as `native/append_posix.c`, for platforms without the addon. */
export const plainAppend: AppendWriter = async ({ path, bytes, state, isNew }) => {
  await refreshNames(dirname(path));
  let file: FileHandle;
  try {
    file = await openNamed(path, NAMED_APPEND);
  } catch {
    return { kind: 'changed' };
  }
  try {
    const before = await stateOf(file);
    const isAsThought = before.every((value, i) => value === state[i]);
    state.fill(0n);
    if (!isAsThought) return { kind: 'changed' };
    const appended = await writeAll(file, bytes);
    if (appended.kind !== 'written') return appended;
    const after = await stateOf(file);
    if (after[2] === (before[2] ?? 0n) + BigInt(bytes.length)) state.set(after);
  } finally {
    await file.close();
  }
  if (isNew) await syncDirectory(dirname(path));
  return { kind: 'written' };
};

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<Appended> {
  let done = 0;
  let refused: unknown;
  try {
    while (done < bytes.length)
      done += (await file.write(bytes, done, bytes.length - done, null)).bytesWritten;
  } catch (error) {
    refused = error;
  }
  try {
    if (done > 0) await file.sync();
  } catch (error) {
    return { kind: 'unsynced', error };
  }
  return refused === undefined ? { kind: 'written' } : { kind: 'cut', writtenBytes: done, error: refused };
}

export async function stateOf(file: FileHandle): Promise<FileState> {
  const { dev, ino, size, ctimeNs } = await file.stat({ bigint: true });
  return new BigUint64Array([dev, ino, size, ctimeNs]);
}

/**
 * A write that was cut short right before the newline of a record has left what the next newline would make a record,
 * although its caller gets an error. The last character becomes a blank, in place: nothing behind it moves.
 */
export async function spoilCutRecord(path: string, position: number): Promise<void> {
  try {
    const file = await openNamed(path, IN_PLACE);
    try {
      await file.write(Buffer.from(' '), 0, 1, position);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    // A copy-on-write file system may have no room for it.
    if (errnoOf(error) === undefined) throw error;
  }
}
