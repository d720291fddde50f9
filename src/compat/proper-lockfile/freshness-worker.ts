import { closeSync, futimesSync, openSync, utimesSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

import type { Timer } from '../../core/time.js';
import { systemClock } from '../../platform/clock.js';
import { identify, isSame, type DirectoryIdentity } from './directory.js';
import type { Compromise, Order } from './freshness.js';
import { REFRESH_INTERVAL_MS } from './options.js';

interface Kept {
  readonly path: string;
  readonly own: DirectoryIdentity;
  /** Times are set through a descriptor: by name they could be those of a successor, who would think itself robbed. */
  descriptor?: number;
}

const keptById = new Map<number, Kept>();
let timer: Timer | undefined;

/** The directory is new: most holds are over before it needs anything. */
function keep(id: number, path: string, own: DirectoryIdentity): void {
  keptById.set(id, { path, own });
  timer ??= systemClock.setTimer(REFRESH_INTERVAL_MS, refreshAll);
}

function forget(id: number): void {
  const descriptor = keptById.get(id)?.descriptor;
  if (descriptor !== undefined) closeSync(descriptor);
  keptById.delete(id);
}

function refreshAll(): void {
  timer = keptById.size === 0 ? undefined : systemClock.setTimer(REFRESH_INTERVAL_MS, refreshAll);
  for (const [id, kept] of keptById) {
    try {
      if (isStillOurs(kept)) refresh(kept);
      else compromised(id);
    } catch {
      // A share that does not answer just now: whether the lock stands is seen at the next round.
    }
  }
}

function isStillOurs({ path, own }: Kept): boolean {
  return isSame(own, identify(path));
}

function refresh(kept: Kept): void {
  const seconds = systemClock.wallNow() / 1_000;
  // Windows opens no directories.
  if (process.platform === 'win32') return utimesSync(kept.path, seconds, seconds);
  if (kept.descriptor === undefined) {
    kept.descriptor = openSync(kept.path, 'r');
    // What was opened may be what came after ours.
    if (!isStillOurs(kept)) return;
  }
  futimesSync(kept.descriptor, seconds, seconds);
}

function compromised(id: number): void {
  forget(id);
  parentPort?.postMessage({ id } satisfies Compromise);
}

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'keep') keep(order.id, order.path, order.own);
  else forget(order.id);
});
