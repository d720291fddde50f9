import { parentPort, workerData } from 'node:worker_threads';

import type { RenewalModule } from '../core/lease.js';
import { systemClock } from '../platform/clock.js';
import { writeUntil } from '../files/announcement-format.js';
import { writeDeadline } from '../process/supervisor-protocol.js';
import { leaseClock } from '../platform/lease-clock.js';
import { CellPage, LeaseCell } from './shared-state.js';
import { announcementsAt, stallDetector } from './heartbeat.js';
import { OrderRing } from './ring.js';
import { toWire, type Order, type Report, type RingOrder, type WorkerSetup } from './protocol.js';
import { RenewalLoop } from './loop.js';

/** Entry of the keeper's worker thread: renews the leases of its owner, whatever the owner's loop is doing. */

/** Renewals begin a third of a second after their hold at the earliest. */
const LOOK_MS = 20;
const QUIET_LOOKS = 50;
const PAGES_KEPT = 4;

const { heartbeat, maxStallMs, ring: memory } = workerData as WorkerSetup;
const ring = new OrderRing(memory);
const isOwnerStalled = stallDetector(heartbeat, maxStallMs, leaseClock);
interface Kept {
  readonly loop: RenewalLoop;
  readonly cell: LeaseCell;
}
const kept = new Map<number, Kept>();
const pages = new Map<number, CellPage>();
interface Source {
  readonly openRenewal: RenewalModule['openRenewal'];
  readonly shared: unknown;
}
const sources = new Map<number, Source>();
/** Of holds whose deadlines a supervisor of their work must know. */
const descriptors = new Map<number, number>();
/** Being opened; `false` once it was forgotten meanwhile. */
const opening = new Map<number, boolean>();

function send(report: Report): void {
  parentPort?.postMessage(report);
}

async function arm(order: Extract<Order, { kind: 'arm' }>): Promise<void> {
  const { id, source, shared, state, page, cell, durationMs, isReleaseSafe } = order;
  opening.set(id, true);
  keepPage(new CellPage(page, order.memory));
  const { openRenewal } = (await import(order.module)) as RenewalModule;
  if (!sources.has(source)) sources.set(source, { openRenewal, shared });
  await open([id, source, page, cell, durationMs, state], isReleaseSafe);
}

async function open(order: RingOrder, isReleaseSafe: boolean): Promise<void> {
  const [id, number, page, index, durationMs, state] = order;
  const cell = new LeaseCell(pages.get(page) as CellPage, index);
  // Most holds are over before they matter to the worker.
  if (cell.isReleased) return void opening.delete(id);
  const { openRenewal, shared } = sources.get(number) as Source;
  const loop = new RenewalLoop(await openRenewal(state, shared), cell, {
    clock: systemClock,
    leaseClock,
    durationMs,
    isOwnerStalled,
    onExtended: (deadline) => {
      publish(id, deadline);
      show(cell, deadline);
    },
    onRenewed: (remainingMs, error) =>
      send({ kind: 'renewed', id, remainingMs, error: error === undefined ? undefined : toWire(error) }),
    onLost: (reason) => {
      // Nothing more will be ordered: its owner releases it without us.
      if (isReleaseSafe) kept.delete(id);
      send({ kind: 'lost', id, reason });
    },
  });
  const isWanted = opening.get(id);
  opening.delete(id);
  if (isWanted === false) return;
  kept.set(id, { loop, cell });
  publish(id, cell.deadline);
  loop.start();
}

/** Holds on older pages have theirs in their loops. */
function keepPage(page: CellPage): void {
  pages.set(page.id, page);
  pages.delete(page.id - PAGES_KEPT);
}

function publish(id: number, deadline: number): void {
  const descriptor = descriptors.get(id);
  if (descriptor !== undefined) writeDeadline(descriptor, deadline);
}

function show(cell: LeaseCell, deadline: number): void {
  const descriptor = announcementsAt(heartbeat);
  if (descriptor !== undefined && cell.slot !== undefined) writeUntil(descriptor, cell.slot, deadline);
}

async function obey(order: Exclude<Order, { kind: 'poll' | 'publish' }>): Promise<void> {
  if (order.kind === 'arm') return arm(order);
  descriptors.delete(order.id);
  if (opening.has(order.id)) opening.set(order.id, false);
  const loop = kept.get(order.id)?.loop;
  kept.delete(order.id);
  await (order.kind === 'release' ? loop?.release() : loop?.stop());
}

/** What the ring has brought, and what has been released since the last look. */
function readRing(): number {
  const orders = ring.readAll();
  for (const text of orders) {
    // The answer has no reader: a hold that is not renewed ends at its deadline, which its owner's timer reports.
    open(JSON.parse(text) as RingOrder, true).catch(() => undefined);
  }
  for (const [id, { loop, cell }] of kept) {
    if (!cell.isReleased) continue;
    kept.delete(id);
    descriptors.delete(id);
    void loop.stop();
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
    // Once more: the owner may have written between the look and this, and seen no need to wake the worker.
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
  if (order.kind === 'publish') {
    descriptors.set(order.id, order.descriptor);
    const cell = kept.get(order.id)?.cell;
    if (cell !== undefined) publish(order.id, cell.deadline);
    return;
  }
  return void obey(order).then(
    () => {
      if (order.kind !== 'forget') send({ kind: 'done', id: order.id });
    },
    (error: unknown) => send({ kind: 'failed', id: order.id, error: toWire(error) }),
  );
});
