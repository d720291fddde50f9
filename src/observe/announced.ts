import { readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import {
  ANNOUNCEMENTS_BYTES_MAX,
  decodeProcess,
  decodeSlots,
  type AnnouncedProcess,
  type AnnouncedSlot,
} from '../files/announcement-format.js';
import { readOwn } from '../files/open-own.js';
import { isProcessAlive } from '../platform/identity.js';
import { announcementDirectory } from '../platform/user-directories.js';

/** What one living process holds and waits for, by its own word. */
export interface AnnouncedBy {
  readonly process: AnnouncedProcess;
  readonly slots: readonly AnnouncedSlot[];
}

interface KnownFile {
  readonly version: string;
  readonly by: AnnouncedBy | undefined;
}

/** Files of one directory that are looked at; more than there can be processes on most machines. */
const FILES_MAX = 10_000;

/**
 * The announcements of this user's processes; for root, of all users'. Files of the dead, of others and of another form
 * are passed over: any process of the user may have written anything there.
 */
export class AnnouncementReader {
  readonly #known = new Map<string, KnownFile>();

  look(): readonly AnnouncedBy[] {
    const found: AnnouncedBy[] = [];
    const seen = new Set<string>();
    for (const { path: directory, owner } of directories()) {
      for (const name of namesIn(directory)) {
        const path = join(directory, name);
        seen.add(path);
        const by = this.#read(path, owner);
        if (by !== undefined && isProcessAlive(by.process) === true && isOf(by.process.pid, owner))
          found.push(by);
      }
    }
    for (const path of this.#known.keys()) if (!seen.has(path)) this.#known.delete(path);
    return found;
  }

  #read(path: string, owner: number | undefined): AnnouncedBy | undefined {
    try {
      const { mtimeMs, size, ino } = statSync(path);
      const version = `${ino} ${size} ${mtimeMs}`;
      const known = this.#known.get(path);
      if (known?.version === version) return known.by;
      const file = readOwn(path, {
        depth: 2,
        maxSizeBytes: ANNOUNCEMENTS_BYTES_MAX,
        ...(owner !== undefined && { owner }),
      });
      const process = file && decodeProcess(file);
      const by = file && process && { process, slots: decodeSlots(file) };
      this.#known.set(path, { version, by });
      return by;
    } catch {
      return undefined;
    }
  }
}

interface Directory {
  readonly path: string;
  readonly owner: number | undefined;
}

/** Where processes with another environment than ours announce too. */
function directories(): readonly Directory[] {
  const user = process.geteuid?.();
  const found = new Map<string, Directory>();
  const add = (path: string, owner: number | undefined): void => void found.set(path, { path, owner });
  add(announcementDirectory(), user);
  if (user === undefined) return [...found.values()];
  add(announcementDirectory({}), user);
  add(`/run/user/${user}/holdfast`, user);
  if (user === 0) {
    for (const name of namesIn('/run/user'))
      if (/^\d+$/.test(name)) add(`/run/user/${name}/holdfast`, Number(name));
    for (const name of namesIn(dirname(announcementDirectory({})))) {
      const owner = /^holdfast-(\d+)$/.exec(name)?.[1];
      if (owner !== undefined) add(join('/tmp', name), Number(owner));
    }
  }
  return [...found.values()];
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).slice(0, FILES_MAX);
  } catch {
    return [];
  }
}

/** A user announces for processes of its own only: what root reads may name any pid. */
function isOf(pid: number, owner: number | undefined): boolean {
  if (owner === undefined || owner === 0 || owner === process.geteuid?.()) return true;
  try {
    return statSync(`/proc/${pid}`).uid === owner;
  } catch {
    return false;
  }
}
