import { closeSync, constants, readdirSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { threadId } from 'node:worker_threads';

import { acquireChannel, holdChannel, type AcquireEvent, type HoldEvent } from '../../core/events.js';
import type { Timer } from '../../core/time.js';
import {
  encodeTraceEvent,
  encodeTraceHead,
  isTraceFile,
  traceFileName,
  type TraceEvent,
} from '../../files/trace-format.js';
import { makeOwnDirectories, makeOwnFile } from '../../files/make-own.js';
import { openOwn } from '../../files/open-own.js';
import { systemClock } from '../../platform/clock.js';
import { ownHolder } from '../../platform/holder-record.js';

/** What is shorter is no contention worth a line. */
const SHORTEST_MS = 1;
const FILE_BYTES = 2 * 1024 * 1024;
const DIRECTORY_BYTES = 16 * 1024 * 1024;
const FLUSH_MS = 250;
const FLUSH_LENGTH = 64 * 1024;

/**
 * Writes what the channels report from now on: waits and holds of this thread that lasted, and each loss. Never throws
 * into the work.
 *
 * @throws what opening the first file throws.
 */
export function startTrace(directory: string): void {
  const file = new TraceFile(resolve(directory));
  acquireChannel.asyncEnd.subscribe((message) => file.add(waitEvent(message as AcquireEvent)));
  holdChannel.asyncEnd.subscribe((message) => file.add(holdEvent(message as HoldEvent)));
  process.once('exit', () => file.flush());
}

function waitEvent({ lock, backend, mode, waitedMs = 0, outcome }: AcquireEvent): TraceEvent | undefined {
  if (waitedMs < SHORTEST_MS) return undefined;
  return {
    kind: 'wait',
    lock,
    backend,
    mode,
    at: systemClock.now(),
    ms: waitedMs,
    outcome: outcome ?? 'error',
  };
}

function holdEvent(event: HoldEvent): TraceEvent | undefined {
  const { lock, backend, mode, heldMs = 0, outcome = 'released', lossReason } = event;
  if (heldMs < SHORTEST_MS && outcome !== 'lost') return undefined;
  const why = lossReason === undefined ? outcome : `lost: ${lossReason}`;
  return { kind: 'hold', lock, backend, mode, at: systemClock.now(), ms: heldMs, outcome: why };
}

class TraceFile {
  readonly #directory: string;
  #descriptor: number | undefined;
  #count = 0;
  #bytes = 0;
  #text = '';
  #timer: Timer | undefined;

  constructor(directory: string) {
    this.#directory = directory;
    makeOwnDirectories(directory, { rights: { mode: 0o700 } });
    this.#open();
  }

  add(event: TraceEvent | undefined): void {
    if (event === undefined || this.#descriptor === undefined) return;
    this.#text += encodeTraceEvent(event);
    if (this.#text.length >= FLUSH_LENGTH) this.flush();
    this.#timer ??= systemClock.setTimer(FLUSH_MS, () => this.flush(), { keepsProcessAlive: false });
  }

  flush(): void {
    this.#timer?.clear();
    this.#timer = undefined;
    if (this.#text === '' || this.#descriptor === undefined) return;
    try {
      this.#bytes += writeSync(this.#descriptor, this.#text);
      if (this.#bytes >= FILE_BYTES - FLUSH_LENGTH) this.#next();
    } catch {
      // A full disk ends the trace, and nothing else.
      this.#descriptor = undefined;
    }
    this.#text = '';
  }

  #next(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#open();
  }

  #open(): void {
    const holder = ownHolder(false);
    const name = traceFileName(holder, threadId, this.#count++);
    const path = join(this.#directory, name);
    makeOwnFile(path, { rights: { mode: 0o600 } });
    this.#descriptor = openOwn(path, constants.O_WRONLY | constants.O_APPEND);
    const clocks = { monotonicMs: systemClock.now(), wallMs: systemClock.wallNow() };
    this.#bytes = writeSync(this.#descriptor, encodeTraceHead(holder, threadId, clocks));
    removeOldest(this.#directory, name);
  }
}

/** Leaves room for the file that was just begun. Other processes may do the same at the same time. */
function removeOldest(directory: string, own: string): void {
  const files = readdirSync(directory)
    .filter((name) => isTraceFile(name) && name !== own)
    .flatMap((name) => {
      const path = join(directory, name);
      const status = statSync(path, { throwIfNoEntry: false });
      return status === undefined ? [] : [{ path, size: status.size, mtimeMs: status.mtimeMs }];
    })
    .sort((a, b) => b.mtimeMs - a.mtimeMs);
  let total = FILE_BYTES;
  for (const { path, size } of files) {
    total += size;
    if (total <= DIRECTORY_BYTES) continue;
    try {
      unlinkSync(path);
    } catch {
      // Removed by another process.
    }
  }
}
