import { statSync } from 'node:fs';

import { errnoOf, systemError } from '../../core/system-error.js';
import { replaceFileSync } from '../../files/replace-sync.js';
import { besideOf, fileRights } from '../../files/rights.js';
import type { OwnPart } from './config.js';
import { formatCounter, readCounter, tokenPathOf } from './token.js';

/**
 * The last tick of a lock, which stands behind its token; undefined when none was claimed.
 *
 * @throws LockError HOLDFAST_PROTOCOL, HOLDFAST_IO, HOLDFAST_PERMISSION.
 */
export function lastTick(lockPath: string, own: OwnPart | undefined): number | undefined {
  return readCounter(tokenPathOf(lockPath, own), own).tick;
}

/**
 * Claims `tick` for the process that holds the lock exclusively, durably; resolves with the last tick when that is not below
 * it. The token stays.
 *
 * @throws LockError HOLDFAST_PROTOCOL, HOLDFAST_IO, HOLDFAST_PERMISSION.
 */
export function claimTick(lockPath: string, tick: number, own: OwnPart | undefined): number | undefined {
  const path = tokenPathOf(lockPath, own);
  const { token, tick: last } = readCounter(path, own);
  if (last !== undefined && last >= tick) return last;
  try {
    const rights = fileRights(besideOf(lockPath, statSync(lockPath)));
    replaceFileSync(path, formatCounter({ token, tick }), { ...own, rights });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('claim a tick of', lockPath, errno, error);
  }
  return undefined;
}
