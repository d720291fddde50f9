import { parentPort, workerData } from 'node:worker_threads';

import type { RenewalModule } from '../core/lease.js';
import { systemClock } from '../host/clock.js';
import { leaseClock } from '../host/lease-clock.js';
import { LeaseCell } from './cell.js';
import { stallDetector } from './heartbeat.js';
import { toWire, type Order, type Report, type WorkerSetup } from './protocol.js';
import { RenewalLoop } from './renewal-loop.js';

/** Entry of the keeper's worker thread: renews the leases of its owner, whatever the owner's loop is doing. */

const { heartbeat, maxStallMs } = workerData as WorkerSetup;
const isOwnerStalled = stallDetector(heartbeat, maxStallMs, leaseClock);
const loops = new Map<number, RenewalLoop>();
/** Being opened; `false` once it was forgotten meanwhile. */
const opening = new Map<number, boolean>();

function tell(report: Report): void {
  parentPort?.postMessage(report);
}

async function arm(order: Extract<Order, { kind: 'arm' }>): Promise<void> {
  const { id, durationMs } = order;
  opening.set(id, true);
  const { openRenewal } = (await import(order.module)) as RenewalModule;
  const renewal = await openRenewal(order.state);
  const loop = new RenewalLoop(renewal, new LeaseCell(order.cell), {
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

async function obey(order: Order): Promise<void> {
  if (order.kind === 'arm') return arm(order);
  if (opening.has(order.id)) opening.set(order.id, false);
  const loop = loops.get(order.id);
  loops.delete(order.id);
  await (order.kind === 'release' ? loop?.release() : loop?.stop());
}

parentPort?.on('message', (order: Order) => {
  const isQuiet = order.kind === 'forget' || (order.kind === 'arm' && order.isQuiet);
  obey(order).then(
    () => {
      if (!isQuiet) tell({ kind: 'done', id: order.id });
    },
    (error: unknown) => tell({ kind: 'failed', id: order.id, error: toWire(error) }),
  );
});
