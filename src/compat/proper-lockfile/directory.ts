import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

import { errnoOf } from '../../core/system-error.js';
import { readOwn } from '../../files/open-own.js';
import { replaceFileSync } from '../../files/replace-sync.js';
import { fileRights } from '../../files/rights.js';
import { ownPartOf } from '../../files/side-folder.js';

/** One directory, told apart from a later one of the same name: inode numbers are reused, birth times are not. */
export interface DirectoryIdentity {
  readonly inode: string;
  readonly bornNs: string;
}

interface Judged extends DirectoryIdentity {
  readonly modifiedNs: bigint;
}

export interface ClaimContext {
  /** `<file>.lock`, where the real proper-lockfile makes its directory. */
  readonly path: string;
  /** Names the directory that is ours while we hold, and so, to who has our lock next, one that we left behind. */
  readonly markerPath: string;
  readonly staleMs: number;
  readonly wallNow: () => number;
}

/**
 * One attempt to make the directory; undefined while somebody else has it. Only with our own lock in hand, so
 * that contenders of ours never meet here, and a directory that carries our mark has no living owner.
 */
export function tryClaim(context: ClaimContext): DirectoryIdentity | undefined {
  const claimed = tryMake(context);
  if (claimed !== undefined) return claimed;
  const judged = identify(context.path);
  if (judged !== undefined && !isAbandoned(judged, context)) return undefined;
  if (judged !== undefined && !tryEvict(context.path, judged)) return undefined;
  // Gone, by us or by its owner; who is faster now has it.
  return tryMake(context);
}

function tryMake({ path, markerPath }: ClaimContext): DirectoryIdentity | undefined {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  }
  const { inode, bornNs } = identify(path) as Judged;
  replaceFileSync(markerPath, JSON.stringify({ inode, bornNs }), {
    ...ownPartOf(markerPath),
    isDurable: false,
    rights: fileRights(statSync(dirname(markerPath))),
  });
  return { inode, bornNs };
}

function isAbandoned(judged: Judged, { markerPath, staleMs, wallNow }: ClaimContext): boolean {
  if (isSame(judged, readMarker(markerPath))) return true;
  return Number(judged.modifiedNs / 1_000_000n) < wallNow() - staleMs;
}

/**
 * Removes the directory that was judged, and no other. The real one calls rmdir on whatever has the name by then:
 *   1. A and B see a stale directory. 2. A removes it and makes its own. 3. B removes that one. 4. Both hold.
 * A rename moves one certain directory aside, where it can be looked at before anything is removed.
 */
function tryEvict(path: string, judged: Judged): boolean {
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    renameSync(path, aside);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return true;
    throw error;
  }
  const moved = identify(aside);
  if (moved !== undefined && isSame(moved, judged) && moved.modifiedNs === judged.modifiedNs) {
    rmdirSync(aside);
    return true;
  }
  renameSync(aside, path);
  return false;
}

/** Removes our directory. False when it is not there any more or another one has its name: that one stays. */
export function giveBack(path: string, markerPath: string, own: DirectoryIdentity): boolean {
  const isOurs = isSame(own, identify(path));
  if (isOurs) rmdirSync(path);
  rmSync(markerPath, { force: true });
  return isOurs;
}

export function identify(path: string): Judged | undefined {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (status === undefined) return undefined;
  return { inode: String(status.ino), bornNs: String(status.birthtimeNs), modifiedNs: status.mtimeNs };
}

export function isSame(a: DirectoryIdentity, b: DirectoryIdentity | undefined): boolean {
  return a.inode === b?.inode && a.bornNs === b.bornNs;
}

function readMarker(path: string): DirectoryIdentity | undefined {
  try {
    return JSON.parse(String(readOwn(path, ownPartOf(path)))) as DirectoryIdentity;
  } catch {
    // None, or torn by a crash: then the directory is judged by its age, as the real one judges it.
    return undefined;
  }
}
