import { closeSync, futimesSync, openSync, utimesSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';

import type { Timer } from '../../core/time.js';
import { systemClock } from '../../platform/clock.js';
import { identify, isOwn, LastTime, type Claimed } from './directory.js';
import type { Compromise, Order } from './freshness.js';
import { REFRESH_INTERVAL_MS } from './options.js';

interface Kept {
  readonly path: string;
  readonly own: Claimed;
  /** Times are set through a descriptor: by name they could be those of a successor, which would think itself robbed. */
  descriptor?: number;
  timer: Timer;
}

const keptById = new Map<number, Kept>();

/** Each has a timer of its own: a directory is as old when it is first renewed as it is at any other renewal. */
function keep(id: number, path: string, own: Claimed): void {
  const kept: Kept = { path, own, timer: systemClock.setTimer(REFRESH_INTERVAL_MS, () => renew(id, kept)) };
  keptById.set(id, kept);
}

function forget(id: number): void {
  const kept = keptById.get(id);
  kept?.timer.clear();
  if (kept?.descriptor !== undefined) closeSync(kept.descriptor);
  keptById.delete(id);
}

function renew(id: number, kept: Kept): void {
  kept.timer = systemClock.setTimer(REFRESH_INTERVAL_MS, () => renew(id, kept));
  try {
    if (isStillOurs(kept)) refresh(kept);
    else compromised(id);
  } catch {
    // A share that does not answer just now: whether the lock stands is seen at the next round.
  }
}

function isStillOurs({ path, own }: Kept): boolean {
  return isOwn(own, identify(path));
}

function refresh(kept: Kept): void {
  const nowMs = systemClock.wallNow();
  const seconds = nowMs / 1_000;
  // Windows opens no directories.
  if (process.platform === 'win32') {
    kept.own.lastTime.set(nowMs);
    return utimesSync(kept.path, seconds, seconds);
  }
  if (kept.descriptor === undefined) {
    kept.descriptor = openSync(kept.path, 'r');
    // What was opened may be what came after ours.
    if (!isStillOurs(kept)) return;
  }
  kept.own.lastTime.set(nowMs);
  futimesSync(kept.descriptor, seconds, seconds);
}

function compromised(id: number): void {
  forget(id);
  parentPort?.postMessage({ id } satisfies Compromise);
}

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'forget') return forget(order.id);
  keep(order.id, order.path, { identity: order.identity, lastTime: new LastTime(order.lastTime) });
});
