import { parentPort, workerData } from 'node:worker_threads';

import type { RenewalModule } from '../core/lease.js';
import { systemClock } from '../host/clock.js';
import { leaseClock } from '../host/lease-clock.js';
import { CellPage, LeaseCell } from './cell.js';
import { stallDetector } from './heartbeat.js';
import { OrderRing } from './order-ring.js';
import { toWire, type Order, type Report, type WorkerSetup } from './protocol.js';
import { RenewalLoop } from './renewal-loop.js';

/** Entry of the keeper's worker thread: renews the leases of its owner, whatever the owner's loop is doing. */

/** Renewals begin a third of a second after their hold at the earliest. */
const LOOK_MS = 20;
const QUIET_LOOKS = 50;
const PAGES_KEPT = 4;

const { heartbeat, maxStallMs, ring: memory } = workerData as WorkerSetup;
const ring = new OrderRing(memory);
const isOwnerStalled = stallDetector(heartbeat, maxStallMs, leaseClock);
const loops = new Map<number, RenewalLoop>();
const pages = new Map<number, CellPage>();
/** Being opened; `false` once it was forgotten meanwhile. */
const opening = new Map<number, boolean>();

function tell(report: Report): void {
  parentPort?.postMessage(report);
}

async function arm(order: Extract<Order, { kind: 'arm' }>): Promise<void> {
  const { id, durationMs } = order;
  opening.set(id, true);
  if (order.memory !== undefined) keepPage(new CellPage(order.page, order.memory));
  const page = pages.get(order.page) as CellPage;
  const { openRenewal } = (await import(order.module)) as RenewalModule;
  const renewal = await openRenewal(order.state);
  const loop = new RenewalLoop(renewal, new LeaseCell(page, order.cell), {
    clock: systemClock,
    leaseClock,
    durationMs,
    isOwnerStalled,
    onRenewed: (remainingMs, error) =>
      tell({ kind: 'renewed', id, remainingMs, error: error === undefined ? undefined : toWire(error) }),
    onLost: (reason) => tell({ kind: 'lost', id, reason }),
  });
  const isWanted = opening.get(id);
  opening.delete(id);
  if (isWanted === false) return;
  loops.set(id, loop);
  loop.start();
}

/** Holds on older pages have theirs in their loops. */
function keepPage(page: CellPage): void {
  pages.set(page.id, page);
  pages.delete(page.id - PAGES_KEPT);
}

async function obey(order: Exclude<Order, { kind: 'poll' }>): Promise<void> {
  if (order.kind === 'arm') return arm(order);
  if (opening.has(order.id)) opening.set(order.id, false);
  const loop = loops.get(order.id);
  loops.delete(order.id);
  await (order.kind === 'release' ? loop?.release() : loop?.stop());
}

/** What the ring has brought, less the holds that were over before they were seen. */
function readRing(): number {
  const orders = ring.readAll().map((text) => JSON.parse(text) as Exclude<Order, { kind: 'poll' }>);
  const seen = new Map<number, (typeof orders)[number]>();
  for (const order of orders) {
    if (order.kind === 'forget' && seen.get(order.id)?.kind === 'arm') seen.delete(order.id);
    else seen.set(order.id, order);
  }
  for (const order of seen.values()) {
    // Nobody waits for the answer: a hold that is not renewed ends at its deadline, of which its owner's timer tells.
    obey(order).catch(() => undefined);
  }
  return orders.length;
}

let quietLooks = 0;
let isPolling = false;

function poll(): void {
  isPolling = true;
  quietLooks = readRing() > 0 ? 0 : quietLooks + 1;
  if (quietLooks >= QUIET_LOOKS) {
    ring.isPolled = false;
    // Once more: the owner may have written between the look and this, and seen no need to wake anybody.
    if (readRing() === 0) {
      isPolling = false;
      return;
    }
    ring.isPolled = true;
    quietLooks = 0;
  }
  systemClock.setTimer(LOOK_MS, poll, { keepsProcessAlive: false });
}

parentPort?.on('message', (order: Order) => {
  if (order.kind === 'poll') {
    quietLooks = 0;
    // It may have found the order by itself, in its last look.
    if (!isPolling) poll();
    return;
  }
  return void obey(order).then(
    () => {
      if (order.kind !== 'forget') tell({ kind: 'done', id: order.id });
    },
    (error: unknown) => tell({ kind: 'failed', id: order.id, error: toWire(error) }),
  );
});
