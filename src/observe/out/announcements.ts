import { closeSync, constants, ftruncateSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { threadId } from 'node:worker_threads';

import type { Announced, Announcement, Announcer } from '../../core/announcing.js';
import { isSame } from '../../core/holder.js';
import type { Clock, Timer } from '../../core/time.js';
import {
  decodeProcess,
  encodeProcess,
  encodeSlot,
  SLOT_BYTES,
  SLOTS_MAX,
} from '../../files/announcement-format.js';
import { makeOwnDirectories, makeOwnFile } from '../../files/make-own.js';
import { openOwn, readOwn } from '../../files/open-own.js';
import { systemClock } from '../../platform/clock.js';
import { ownHolder } from '../../platform/holder-record.js';
import { bootId, isProcessAlive } from '../../platform/identity.js';
import { announcementDirectory } from '../../platform/user-directories.js';

/** Between two writes. Most holds of a busy process are over before they would be written. */
const WRITE_MS = 100;
/** Files of the dead that one process removes at its start. */
const SWEPT_MAX = 64;

/** The announcements of this thread. Without a place for its file it announces nothing. */
export function openAnnouncer(): Announcer {
  try {
    const directory = announcementDirectory();
    makeOwnDirectories(directory, { rights: { mode: 0o700 } });
    const path = join(directory, threadId === 0 ? String(process.pid) : `${process.pid}.${threadId}`);
    makeOwnFile(path, { depth: 2, rights: { mode: 0o600 } });
    const descriptor = openOwn(path, constants.O_RDWR, { depth: 2 });
    ftruncateSync(descriptor, 0);
    process.once('exit', () => remove(path, descriptor));
    sweep(path);
    return new Announcements(descriptor, systemClock);
  } catch {
    return { announce: () => ({ end: () => undefined }) };
  }
}

function remove(path: string, descriptor: number): void {
  try {
    closeSync(descriptor);
    unlinkSync(path);
  } catch {
    // It is read as that of a dead process.
  }
}

/** What processes left that were killed. */
function sweep(own: string): void {
  const directory = dirname(own);
  for (const name of readdirSync(directory).slice(0, SWEPT_MAX)) {
    if (name === basename(own)) continue;
    const path = join(directory, name);
    try {
      const file = readOwn(path, { depth: 2, maxSizeBytes: SLOT_BYTES * SLOTS_MAX });
      const owner = file && decodeProcess(file);
      if (owner === undefined) continue;
      const isOfEarlierBoot =
        owner.bootId !== undefined && bootId() !== undefined && !isSame(owner.bootId, bootId());
      if (isOfEarlierBoot || isProcessAlive(owner) === false) unlinkSync(path);
    } catch {
      // Not ours, or removed meanwhile.
    }
  }
}

/** A file of slots that is written at most every {@link WRITE_MS}, and at once after a pause: never once per event. */
export class Announcements implements Announcer {
  readonly #descriptor: number;
  readonly #clock: Clock;
  readonly #slots: (Announced | undefined)[] = [undefined];
  readonly #free: number[] = [];
  readonly #changed = new Set<number>();
  #timer: Timer | undefined;
  #wroteAt = -Infinity;
  #number = 0;
  #omitted = 0;

  constructor(descriptor: number, clock: Clock) {
    this.#descriptor = descriptor;
    this.#clock = clock;
    this.#changed.add(0);
  }

  announce(what: Announced): Announcement {
    const slot = this.#free.pop() ?? this.#slots.length;
    if (slot >= SLOTS_MAX) return this.#omit();
    this.#set(slot, what);
    what.lease?.showAt(this.#descriptor, slot);
    let isOver = false;
    return {
      end: () => {
        if (isOver) return;
        isOver = true;
        this.#free.push(slot);
        this.#set(slot, undefined);
      },
    };
  }

  #omit(): Announcement {
    this.#omitted++;
    this.#note(0);
    return {
      end: () => {
        this.#omitted--;
        this.#note(0);
      },
    };
  }

  #set(slot: number, what: Announced | undefined): void {
    this.#slots[slot] = what;
    this.#note(slot);
  }

  #note(slot: number): void {
    this.#changed.add(slot);
    if (this.#timer !== undefined) return;
    const waitMs = this.#wroteAt + WRITE_MS - this.#clock.now();
    if (waitMs <= 0) this.#write();
    else this.#timer = this.#clock.setTimer(waitMs, () => this.#write(), { keepsProcessAlive: false });
  }

  #write(): void {
    this.#timer = undefined;
    this.#wroteAt = this.#clock.now();
    try {
      for (const [first, texts] of this.#runs())
        writeSync(this.#descriptor, texts.join(''), first * SLOT_BYTES);
    } catch {
      // A full disk: others see less of this process.
    }
    this.#changed.clear();
  }

  /** The changed slots, those beside each other as one. */
  *#runs(): Generator<[first: number, texts: string[]]> {
    let run: [number, string[]] | undefined;
    for (const slot of [...this.#changed].sort((a, b) => a - b)) {
      if (run !== undefined && run[0] + run[1].length === slot) run[1].push(this.#textOf(slot));
      else {
        if (run !== undefined) yield run;
        run = [slot, [this.#textOf(slot)]];
      }
    }
    if (run !== undefined) yield run;
  }

  #textOf(slot: number): string {
    if (slot === 0) return encodeProcess(ownHolder(false), this.#omitted);
    const what = this.#slots[slot];
    if (what === undefined) return encodeSlot(undefined, 0);
    const { lease, holderId, token, reason, ...rest } = what;
    return encodeSlot(
      {
        ...rest,
        ...(holderId !== undefined && { holderId }),
        ...(token !== undefined && { token }),
        ...(reason !== undefined && { reason }),
        ...(lease && { leaseDurationMs: lease.durationMs, leaseDeadline: lease.deadline }),
      },
      ++this.#number,
    );
  }
}
