import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, statSync, writeSync } from 'node:fs';

import { errnoOf, systemError } from '../../core/system-error.js';
import { makeOwnFile } from '../../files/make-own.js';
import { openOwn } from '../../files/open-own.js';
import { readState, STATE_DEPTH, tryUnlink } from './files.js';

interface Recorded {
  readonly format: 1;
  /** 128 random bits: what else belongs to this place names it. */
  readonly id: string;
  readonly device: string;
  readonly inode: string;
  /** Nanoseconds. */
  readonly bornAt: string;
  readonly bootId: string;
}

/**
 * The id of the place where the file `path` stands. A clone that is copied takes the file along, and then the file's own
 * inode, birth time or device are not those in it: undefined, also when there is no such file yet.
 *
 * Not recognised: a snapshot of a disk that is used on another boot.
 */
export function placeAt(path: string, bootId: string | undefined): string | undefined {
  const text = readState(path);
  if (text === undefined) return undefined;
  const known = decode(text);
  const stat = statSync(path, { bigint: true });
  if (known === undefined || known.inode !== String(stat.ino)) return undefined;
  // Where the birth is not kept, some report the time of the last change instead, or 0.
  const isBirthKept = stat.birthtimeNs !== 0n && stat.birthtimeNs !== stat.ctimeNs;
  if (isBirthKept && known.bornAt !== String(stat.birthtimeNs)) return undefined;
  const isSameBoot = bootId !== undefined && known.bootId === bootId;
  // Device numbers are given out anew at each boot. Without a birth time they are all there is to go by.
  if ((isSameBoot || !isBirthKept) && known.device !== String(stat.dev)) return undefined;
  if (!isSameBoot) write(path, known.id, bootId);
  return known.id;
}

/** Makes the file at `path` anew. Everything that belonged to an earlier id must be gone by then. */
export function newPlace(path: string, bootId: string | undefined): string {
  const id = randomBytes(16).toString('hex');
  tryUnlink(path);
  makeOwnFile(path, { depth: STATE_DEPTH });
  write(path, id, bootId);
  return id;
}

function write(path: string, id: string, bootId: string | undefined): void {
  const file = openOwn(path, constants.O_WRONLY, { depth: STATE_DEPTH });
  try {
    const stat = fstatSync(file, { bigint: true });
    const recorded: Recorded = {
      format: 1,
      id,
      device: String(stat.dev),
      inode: String(stat.ino),
      bornAt: String(stat.birthtimeNs),
      bootId: bootId ?? '',
    };
    // One write of one block; padded, so that a shorter text leaves no tail of a longer one.
    writeSync(file, `${JSON.stringify(recorded).padEnd(511)}\n`, 0);
  } catch (error) {
    throw systemError('write', path, errnoOf(error) ?? 'EIO', error);
  } finally {
    closeSync(file);
  }
}

function decode(text: string): Recorded | undefined {
  try {
    const value = JSON.parse(text) as Partial<Recorded> | null;
    const isWhole =
      value?.format === 1 &&
      [value.id, value.device, value.inode, value.bornAt, value.bootId].every(
        (field) => typeof field === 'string',
      );
    return isWhole ? (value as Recorded) : undefined;
  } catch {
    return undefined;
  }
}
