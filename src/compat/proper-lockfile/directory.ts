import { randomBytes } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';

import { errnoOf } from '../../core/system-error.js';
import { readOwn } from '../../files/open-own.js';
import { replaceFileSync } from '../../files/replace-sync.js';
import { besideOf, fileRights } from '../../files/rights.js';
import { ownPartOf } from '../../files/side-folder.js';
import { LEAST_STALE_MS } from './options.js';

/**
 * One directory, distinguished from a later one of the same name by its birth time: inode numbers are reused. Some file
 * systems keep no birth times ({@link NO_BIRTH}); there a directory is the same while its times are those that we set.
 */
export interface DirectoryIdentity {
  readonly inode: string;
  readonly bornNs: string;
}

const NO_BIRTH = '0';

/** Another directory is younger than ours was when it became stale, by {@link LEAST_STALE_MS} at least. */
const TIME_TOLERANCE_MS = LEAST_STALE_MS * 0.75;

interface Judged extends DirectoryIdentity {
  readonly modifiedNs: bigint;
  readonly isDirectory: boolean;
}

/** The time that was last given to our directory, shared by the thread that holds and the thread that refreshes. */
export class LastTime {
  readonly memory: SharedArrayBuffer;
  readonly #cell: BigInt64Array;

  constructor(memory = new SharedArrayBuffer(8)) {
    this.memory = memory;
    this.#cell = new BigInt64Array(memory);
  }

  get ms(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  /** Called before the directory is given that time. */
  set(ms: number): void {
    Atomics.store(this.#cell, 0, BigInt(Math.floor(ms)));
  }
}

export interface ClaimContext {
  /** `<file>.lock`, where the real proper-lockfile makes its directory. */
  readonly path: string;
  /** Names the directory that is ours while we hold, and so, to the next holder of our lock, one that we left behind. */
  readonly markerPath: string;
  readonly staleMs: number;
  readonly wallNow: () => number;
}

/**
 * One attempt to make the directory; undefined while another process has it. Only with our own lock in hand, so
 * that contenders of ours never meet here, and a directory that carries our mark has no living owner.
 */
export function tryClaim(context: ClaimContext): Claimed | undefined {
  const claimed = tryMake(context);
  if (claimed !== undefined) return claimed;
  const judged = identify(context.path);
  if (judged !== undefined && !isAbandoned(judged, context)) return undefined;
  // What is no lock is never moved, as rmdir(2) of the real one would not: `yarn.lock` beside `yarn`.
  if (judged !== undefined && !judged.isDirectory) throw refusal('ENOTDIR', context.path);
  if (judged !== undefined && hasEntries(context.path)) throw refusal('ENOTEMPTY', context.path);
  if (judged !== undefined && !tryEvict(context.path, judged)) return undefined;
  // Gone, by us or by its owner; a faster process has it now.
  return tryMake(context);
}

/** A directory that is ours now. */
export interface Claimed {
  readonly identity: DirectoryIdentity;
  readonly lastTime: LastTime;
}

function tryMake({ path, markerPath }: ClaimContext): Claimed | undefined {
  try {
    mkdirSync(path);
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return undefined;
    throw error;
  }
  const { inode, bornNs, modifiedNs } = identify(path) as Judged;
  replaceFileSync(markerPath, JSON.stringify({ inode, bornNs }), {
    ...ownPartOf(markerPath),
    isDurable: false,
    rights: fileRights(besideOf(dirname(markerPath))),
  });
  const lastTime = new LastTime();
  lastTime.set(Number(modifiedNs / 1_000_000n));
  return { identity: { inode, bornNs }, lastTime };
}

function hasEntries(path: string): boolean {
  try {
    return readdirSync(path).length > 0;
  } catch {
    return false;
  }
}

function refusal(code: 'ENOTDIR' | 'ENOTEMPTY', path: string): Error {
  const fact = code === 'ENOTDIR' ? 'not a directory' : 'directory not empty';
  return Object.assign(new Error(`${code}: ${fact}, rmdir '${path}'`), { code, path, syscall: 'rmdir' });
}

function isAbandoned(judged: Judged, { markerPath, staleMs, wallNow }: ClaimContext): boolean {
  const marked = readMarker(markerPath);
  // Without birth times the mark proves nothing: then age decides, as with a directory of the real one.
  if (marked !== undefined && marked.bornNs !== NO_BIRTH && isEqual(judged, marked)) return true;
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
  if (moved !== undefined && isEqual(moved, judged) && moved.modifiedNs === judged.modifiedNs) {
    try {
      rmdirSync(aside);
      return true;
    } catch (error) {
      renameSync(aside, path);
      throw error;
    }
  }
  renameSync(aside, path);
  return false;
}

/** Removes our directory. False when another one has its name: that one stays. One that is gone needs no removing. */
export function removeOwn(path: string, markerPath: string, own: Claimed): boolean {
  const found = identify(path);
  const isOurs = isOwn(own, found);
  if (isOurs) rmdirSync(path);
  rmSync(markerPath, { force: true });
  return isOurs || found === undefined;
}

export function identify(path: string): Judged | undefined {
  const status = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (status === undefined) return undefined;
  return {
    inode: String(status.ino),
    bornNs: String(status.birthtimeNs),
    modifiedNs: status.mtimeNs,
    isDirectory: status.isDirectory(),
  };
}

function isEqual(a: DirectoryIdentity, b: DirectoryIdentity): boolean {
  return a.inode === b.inode && a.bornNs === b.bornNs;
}

/** `found` is still the directory that we made. */
export function isOwn({ identity, lastTime }: Claimed, found: Judged | undefined): boolean {
  if (found === undefined || !isEqual(identity, found)) return false;
  if (identity.bornNs !== NO_BIRTH) return true;
  return Math.abs(Number(found.modifiedNs / 1_000_000n) - lastTime.ms) < TIME_TOLERANCE_MS;
}

function readMarker(path: string): DirectoryIdentity | undefined {
  try {
    return JSON.parse(String(readOwn(path, ownPartOf(path)))) as DirectoryIdentity;
  } catch {
    // None, or torn by a crash: then the directory is judged by its age, as the real one judges it.
    return undefined;
  }
}
