import { closeSync, constants, fstatSync, readFileSync, unlinkSync } from 'node:fs';

import { LockError } from '../../core/errors.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { openOwnIfThere, readOwn } from '../../files/open-own.js';
import { replaceFileSync } from '../../files/replace-sync.js';

/** Below the clone's common directory: `holdfast/claims.git/holdfast/FILE`. */
export const STATE_DEPTH = 4;
/** `holdfast/claims.git`, `holdfast/claims.lock`. */
export const STORE_DEPTH = 2;

/**
 * The text of a state file; undefined when there is none. `self`: only this user or root may own it, not the owner of the
 * clone.
 *
 * @throws LockError HOLDFAST_PERMISSION when it is a link, no file, or of a user that is not trusted.
 */
export function readState(path: string, owner: 'self' | 'trusted' = 'trusted'): string | undefined {
  const file = openOwnIfThere(path, constants.O_RDONLY, { depth: STATE_DEPTH });
  if (file === undefined) return undefined;
  try {
    const { uid } = fstatSync(file);
    const own = process.geteuid?.();
    if (owner === 'self' && own !== undefined && uid !== own && uid !== 0) return undefined;
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw systemError('read', path, errnoOf(error) ?? 'EIO', error);
  } finally {
    closeSync(file);
  }
}

/** The JSON in a state file; undefined when there is none. @throws LockError HOLDFAST_PROTOCOL when it is no JSON. */
export function readJson(path: string): unknown {
  const text = readState(path);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new LockError(
      `Could not read "${path}": it is no JSON. Look at what is in it, then move it away.`,
      {
        code: 'HOLDFAST_PROTOCOL',
        resource: path,
        cause,
      },
    );
  }
}

/** Replaces the file; `isDurable`: after a power failure the new content is what is found. */
export function replaceText(path: string, text: string, isDurable: boolean): void {
  try {
    replaceFileSync(path, text, { isDurable });
  } catch (error) {
    const errno = errnoOf(error);
    throw errno === undefined ? error : systemError('write', path, errno, error);
  }
}

/** Git's own files there name every branch; a remote may have very many. */
const GIT_FILE_BYTES_MAX = 256 * 1024 * 1024;

/** A file of git's own at the top of our store; undefined when there is none. @throws LockError HOLDFAST_PERMISSION for a link. */
export function readGitFile(path: string): string | undefined {
  const options = { depth: STORE_DEPTH + 1, maxSizeBytes: GIT_FILE_BYTES_MAX };
  return readOwn(path, options)?.toString('utf8');
}

export function tryUnlink(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // Not there, or not ours to remove: what comes next finds out.
  }
}
