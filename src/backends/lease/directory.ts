import { randomBytes } from 'node:crypto';
import { closeSync, constants, openSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { mkdir, open, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { errnoOf } from '../../core/system-error.js';
import { makeDirectory } from '../../files/make-directory.js';
import { inLockDirectory } from '../../files/side-folder.js';
import { NAMED_READ } from '../../files/open-named.js';
import { openNamed } from '../../files/open-named-async.js';
import { replaceFile } from '../../files/replace.js';
import { readReplacedSync } from '../../files/replaced-sync.js';
import { readReplaced } from '../../files/replaced.js';
import { besideOf, directoryRights, fileRights, giveRights, type Rights } from '../../files/rights.js';
import { syncDirectory, syncDirectorySync } from '../../files/sync-directory.js';
import { isTrusted } from '../../files/trust.js';
import { formatState } from './names.js';
import { syncFile } from '../../files/sync-file.js';

type Awaitable<T> = T | Promise<T>;

/** The few things that renewing and claiming do to a lease directory. */
export interface LeaseDirectory {
  list(): Awaitable<readonly string[]>;
  rename(from: string, to: string): Awaitable<void>;
  unlink(name: string): Awaitable<void>;
  /** Makes the client of a network file system forget what it has cached of the directory. */
  probe(): Awaitable<void>;
  /** Makes the last rename survive a loss of power, where the file system can. */
  sync(): Awaitable<void>;
}

/** What the holder's own record needs beyond that. */
export interface RecordDirectory extends LeaseDirectory {
  /** Durable when it resolves. An existing record is replaced as a whole. */
  writeRecord(name: string, text: string): Promise<void>;
  /** Makes an empty file; rejects with EEXIST when there is one. */
  create(name: string): Promise<void>;
  /** Undefined when it is not there or cannot be read: both prove nothing. */
  readRecord(name: string): Promise<ReadRecord | undefined>;
}

export interface ReadRecord {
  readonly text: string;
  /** Whether it may be believed, and not only shown. */
  readonly isTrusted: boolean;
}

/** Less the umask. Never for others: what they may write is not believed. */
const STATE_MODE = 0o664;

/**
 * For the owner's thread: an event loop must not wait for a file server.
 *
 * @param isPrivate its rights are those of the directory it was made in, see {@link createLeaseDirectory}.
 */
export function openDirectory(path: string, isPrivate = false): RecordDirectory {
  return {
    list: () => readReplaced(path, () => readdir(path)),
    rename: (from, to) => rename(join(path, from), join(path, to)),
    unlink: (name) => unlink(join(path, name)),
    probe: async () => {
      const name = join(path, temporaryName());
      await (await open(name, 'wx', STATE_MODE)).close();
      await unlink(name);
    },
    sync: () => syncDirectory(path),
    create: async (name) => (await open(join(path, name), 'wx', STATE_MODE)).close(),
    writeRecord: async (name, text) => {
      const rights = isPrivate
        ? { rights: fileRights(besideOf(path, await stat(path))) }
        : { mode: STATE_MODE };
      await replaceFile(join(path, name), text, { ...rights, temporaryName: temporaryName() });
    },
    readRecord: (name) => {
      const record = join(path, name);
      return readReplaced(record, () => readSmall(path, record)).catch(() => undefined);
    },
  };
}

/**
 * For the keeper's worker. Synchronous, because libuv's pool of four threads is shared with the owner: four slow
 * calls of its own (a hash, a name look-up, a dead mount) would hold every renewal up.
 */
export function openDirectorySync(path: string): LeaseDirectory {
  return {
    list: () => readReplacedSync(path, () => readdirSync(path)),
    rename: (from, to) => renameSync(join(path, from), join(path, to)),
    unlink: (name) => unlinkSync(join(path, name)),
    probe: () => {
      const name = join(path, temporaryName());
      closeSync(openSync(name, 'wx', STATE_MODE));
      unlinkSync(name);
    },
    sync: () => syncDirectorySync(path),
  };
}

/**
 * Brings a lease directory into being, complete, by one rename. If another process was first, that is as good.
 * `generation` only keeps tokens rising should an earlier directory have been deleted by hand.
 */
export async function createLeaseDirectory(
  path: string,
  generation: number,
  isPrivate: boolean,
): Promise<void> {
  const parent = dirname(path);
  const temporary = join(parent, `${basename(path)}.new-${randomBytes(8).toString('hex')}`);
  const state = join(temporary, formatState({ kind: 'free', generation }));
  if (isPrivate) inLockDirectory(parent, () => makeDirectory(temporary, { mode: 0o700, levels: 1 }));
  else await mkdir(temporary);
  try {
    if (isPrivate) await takeRights(temporary, directoryRights(besideOf(parent, await stat(parent))));
    await writeDurably(state, '');
    await syncDirectory(temporary);
    await rename(temporary, path);
    await syncDirectory(parent);
  } catch (error) {
    await unlink(state).catch(() => undefined);
    await rmdir(temporary).catch(() => undefined);
    const errno = errnoOf(error) ?? '';
    // Windows answers EPERM or EACCES where a directory is in the way, NFS 3 ESTALE where another client's has just come.
    const isDenied = ['EPERM', 'EACCES', 'ESTALE'].includes(errno);
    if (isDenied && (await stat(path).catch(() => undefined))?.isDirectory() === true) return;
    if (!['ENOTEMPTY', 'EEXIST', 'ENOTDIR'].includes(errno)) throw error;
  }
}

/** More than any record has; another user may have put something else there, a FIFO or a link for one. */
const RECORD_BYTES_MAX = 16 * 1024;

async function readSmall(directory: string, path: string): Promise<ReadRecord> {
  const file = await openNamed(path, NAMED_READ | constants.O_NOFOLLOW);
  try {
    const buffer = Buffer.alloc(RECORD_BYTES_MAX);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    const text = buffer.toString('utf8', 0, bytesRead);
    return { text, isTrusted: isTrusted(await file.stat(), await stat(directory), undefined) };
  } finally {
    await file.close();
  }
}

async function takeRights(path: string, rights: Rights): Promise<void> {
  if (process.platform === 'win32') return;
  const directory = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    giveRights(directory.fd, rights);
  } finally {
    await directory.close();
  }
}

function temporaryName(): string {
  return `t.${randomBytes(8).toString('hex')}`;
}

async function writeDurably(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', STATE_MODE);
  try {
    await file.writeFile(text);
    await syncFile(file);
  } finally {
    await file.close();
  }
}
