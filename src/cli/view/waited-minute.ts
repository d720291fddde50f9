import type { Survey } from '../../observe/seen.js';

const MINUTE_MS = 60_000;

/** What all waiters together waited in the last minute, over the looks of one command. */
export class WaitedMinute {
  readonly #parts: { readonly atMs: number; readonly waitedMs: number }[] = [];
  #lastMs: number | undefined;

  /** Adds a look, and returns the milliseconds. */
  add({ locks, atMs }: Survey): number {
    const sinceMs = Math.min(MINUTE_MS, atMs - (this.#lastMs ?? -Infinity));
    this.#lastMs = atMs;
    let waitedMs = 0;
    for (const { waiters } of locks) {
      for (const { sinceAtMs } of waiters) waitedMs += Math.min(Math.max(0, atMs - sinceAtMs), sinceMs);
    }
    this.#parts.push({ atMs, waitedMs });
    while ((this.#parts[0]?.atMs ?? atMs) <= atMs - MINUTE_MS) this.#parts.shift();
    return Math.round(this.#parts.reduce((sum, part) => sum + part.waitedMs, 0));
  }
}
