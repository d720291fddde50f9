import { isLockError } from '../core/errors.js';
import { hostNow, sleep } from '../platform/clock.js';
import type { HoldInterval } from './intervals.js';
import type { Subject } from './subject.js';

/**
 * The process that competes in the conformance cases: `node contender.js SUBJECT_MODULE ORDER`, where ORDER is the JSON
 * of a {@link ContenderOrder}. It answers in lines of JSON on stdout.
 */
export interface ContenderOrder {
  /** The resource to acquire. */
  readonly resource: string;
  /** Mode to acquire it in. */
  readonly mode: 'exclusive' | 'shared';
  /** Milliseconds that a lease lasts. */
  readonly leaseDurationMs: number;
  /** `hold`: take it once and keep it until killed. `leave`: take it and exit. `loop`: take it `rounds` times. */
  readonly task: 'hold' | 'leave' | 'loop';
  /** Take one of so many permits. */
  readonly permits?: number;
  /** Number of times that it acquires and releases. Default: once, and it holds until it is stopped. */
  readonly rounds?: number;
  /** Milliseconds each round holds it. */
  readonly holdMs?: number;
}

/** A line that a contender prints. */
export type ContenderLine =
  | { readonly type: 'held'; readonly holderId: string; readonly token?: string }
  | { readonly type: 'lost' }
  | { readonly type: 'waiting' }
  | { readonly type: 'asserted'; readonly isHeld: boolean }
  | ({ readonly type: 'interval' } & HoldInterval);

function print(line: ContenderLine, then?: () => void): void {
  process.stdout.write(`${JSON.stringify(line)}\n`, then);
}

async function main(moduleUrl: string, order: ContenderOrder): Promise<void> {
  const { subject } = (await import(moduleUrl)) as { subject: Subject };
  const client = await subject.createClient();
  const { resource, mode, leaseDurationMs } = order;
  const options = {
    mode,
    leaseDurationMs,
    timeoutMs: Infinity,
    fencing: subject.capabilities.fencing && mode === 'exclusive' && order.permits === undefined,
    ...(order.permits !== undefined && { permits: order.permits }),
    ...(order.task !== 'loop' && {
      onWait: ({ type }: { readonly type: string }): void => {
        if (type === 'started') print({ type: 'waiting' });
      },
    }),
  };
  if (order.task === 'leave') {
    const { holderId } = await client.acquire(resource, options);
    return print({ type: 'held', holderId }, () => process.exit(0));
  }
  if (order.task === 'hold') {
    const guard = await client.acquire(resource, options);
    guard.lost.addEventListener('abort', () => print({ type: 'lost' }), { once: true });
    const token = guard.fencingToken?.toString();
    print({ type: 'held', holderId: guard.holderId, ...(token !== undefined && { token }) });
    // Any byte on stdin asks whether the hold still stands; the end of stdin ends the process.
    for await (const _chunk of process.stdin) {
      let isHeld = true;
      try {
        guard.assertHeld();
      } catch (error) {
        if (!isLockError(error)) throw error;
        isHeld = false;
      }
      print({ type: 'asserted', isHeld });
    }
    return;
  }
  for (let round = 0; round < (order.rounds ?? 1); round++) {
    const guard = await client.acquire(resource, options);
    const from = hostNow();
    if (order.holdMs !== undefined && order.holdMs > 0) await sleep(order.holdMs);
    const to = hostNow();
    const token = guard.fencingToken?.toString();
    await guard.release();
    print({
      type: 'interval',
      holder: `${process.pid}`,
      mode,
      from,
      to,
      ...(token !== undefined && { token }),
    });
  }
  await client.dispose();
}

const [, , moduleUrl, order] = process.argv;
if (moduleUrl !== undefined && order !== undefined)
  await main(moduleUrl, JSON.parse(order) as ContenderOrder);
