import { fstatSync, readSync } from 'node:fs';
import { dirname } from 'node:path';

import type { OwnPart } from './config.js';
import { LockError } from '../../core/errors.js';
import { isOurRecord } from '../../core/holder.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import type { Clock } from '../../core/time.js';
import { tokenAfter } from '../../core/token.js';
import { replaceFileSync } from '../../files/replace-sync.js';
import { withKnownDescriptor } from '../../files/known-descriptor.js';
import { readOwn } from '../../files/open-own.js';
import { realPathOf } from '../../files/real-path.js';
import { besideOf, fileRights } from '../../files/rights.js';
import { readReplacedSync, refreshNamesSync } from '../../files/replaced-sync.js';

const TOKEN_BYTES_MAX = 64;

/**
 * Where the counter of a lock lives: beside it, because a mere `exec 9>lock` of a script truncates the lock itself. A
 * symbolic link has the counter of its target. (Hard links and mounts of a single file have several, which the floor of
 * {@link tokenAfter} keeps in order.)
 */
export function tokenPathOf(lockPath: string, own: OwnPart | undefined): string {
  return own === undefined ? `${realPathOf(lockPath)}.token` : `${lockPath}.token`;
}

/**
 * The next fencing token of the lock that `descriptor` holds exclusively. On disk before it is given out, so that it
 * rises over crashes and power failures; blocks the thread for two fsyncs.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED for a directory or a file that is not ours; HOLDFAST_PROTOCOL for a counter
 *   that cannot be read; HOLDFAST_IO, HOLDFAST_PERMISSION.
 */
export function nextToken(lockPath: string, descriptor: number, clock: Clock, own?: OwnPart): bigint {
  return withKnownDescriptor(descriptor, lockPath, (known) => tokenOf(lockPath, known, clock, own));
}

function tokenOf(lockPath: string, descriptor: number, clock: Clock, own: OwnPart | undefined): bigint {
  if (!isOurs(descriptor)) {
    throw new LockError(
      `Could not number the holds of "${lockPath}": it is not a lock file of ours. Lock a file of its own, or do without fencing.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: lockPath },
    );
  }
  const path = tokenPathOf(lockPath, own);
  const wallNowMs = clock.wallNow();
  const last = readCounter(path, own);
  const token = tokenAfter(last.token, wallNowMs);
  try {
    replaceFileSync(path, formatCounter({ ...last, token }), {
      ...own,
      rights: fileRights(besideOf(lockPath, fstatSync(descriptor))),
    });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('number the holds of', lockPath, errno, error);
  }
  leaveMillisecond(clock, wallNowMs);
  return token;
}

/** Longer than the wall clock shows one millisecond, unless it stands still. */
const MILLISECOND_MS = 2;

/**
 * The next hold may be by another name of this file, whose counter does not know of this token: its clock must show a later
 * millisecond. Writing to a disk takes longer; in memory this waits for less than one.
 */
function leaveMillisecond(clock: Clock, wallNowMs: number): void {
  const end = clock.now() + MILLISECOND_MS;
  while (Math.floor(clock.wallNow()) <= Math.floor(wallNowMs) && clock.now() < end);
}

function isOurs(descriptor: number): boolean {
  const stat = fstatSync(descriptor);
  if (!stat.isFile()) return false;
  if (stat.size === 0) return true;
  const head = Buffer.alloc(64);
  const length = readSync(descriptor, head, 0, head.length, 0);
  return isOurRecord(head.toString('latin1', 0, length));
}

/** What a counter's file keeps. */
export interface Counter {
  /** The last token that was issued; 0 where none was. */
  readonly token: bigint;
  /** The last tick that was claimed. */
  readonly tick?: number | undefined;
}

export function formatCounter({ token, tick }: Counter): string {
  return tick === undefined ? `${token}\n` : `${token}\ntick ${tick}\n`;
}

export function readCounter(path: string, own: OwnPart | undefined): Counter {
  refreshNamesSync(dirname(path));
  const content = readReplacedSync(path, () => readOwn(path, { ...own, maxSizeBytes: TOKEN_BYTES_MAX }));
  if (content === undefined) return { token: 0n };
  const [, token, tick] = /^(\d{1,20})\n(?:tick (\d{1,16})\n)?$/.exec(content.toString('latin1')) ?? [];
  if (token !== undefined)
    return { token: BigInt(token), tick: tick === undefined ? undefined : Number(tick) };
  throw new LockError(
    `Could not read "${path}": it is no counter. Put back the last number it held, or delete it to start at the time of day.`,
    { code: 'HOLDFAST_PROTOCOL', resource: path },
  );
}
