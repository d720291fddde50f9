import type { Grant } from '../../core/backend.js';
import type { Clock, Timer } from '../../core/clock.js';
import { LockError, type LossReason } from '../../core/errors.js';
import type { Arbiter } from './arbiter.js';
import { DEFAULT_NETWORK_TIMEOUT_MS } from './config.js';
import { deadlineIn } from './deadline.js';
import { continuedChange } from './events.js';
import type { Attempted } from './journal.js';
import { publish, type Outcome } from './publish.js';

/** How often the remote is asked whether the hold stands, unless it goes stale sooner. */
const LONGEST_LOOK_INTERVAL_MS = 10_000;

interface HoldParts {
  readonly arbiter: Arbiter;
  readonly clock: Clock;
  /** Counts suspend. */
  readonly now: () => number;
  readonly ref: string;
  readonly attempted: Attempted;
  /** Read before the push that made the hold. */
  readonly t0: number;
  readonly display: string;
}

/**
 * One process's hold of a claim: renews it before others may call it stale, and looks now and then whether it was
 * taken. Others count staleness from when they first saw our last event, which is after we published it; counting
 * from before that push, the hold ends here before it can be stolen without force.
 *
 * On the event loop, not in the keeper's worker: nothing expires at the remote by itself, and a loop that is stuck
 * for the 40 minutes between a missed renewal and staleness is found by `check`.
 */
export function holdClaim(parts: HoldParts): Grant {
  const { arbiter, clock, now, ref } = parts;
  const { staleAfterMs, generation } = parts.attempted.record;
  let { attempted, t0 } = parts;
  let listener: ((reason: LossReason) => void) | undefined;
  let loss: LossReason | undefined;
  let isReleased = false;
  let work: Promise<void> = Promise.resolve();
  let timer: Timer | undefined;

  const lose = (reason: LossReason): void => {
    if (loss !== undefined || isReleased) return;
    loss = reason;
    timer?.clear();
    listener?.(reason);
  };

  async function look(): Promise<void> {
    const tip = await arbiter.tipOf(ref, deadlineIn(DEFAULT_NETWORK_TIMEOUT_MS, clock));
    // No answer is no loss: until it is stale, others need force to take it.
    if (tip === undefined || tip === attempted.oid) return;
    lose(tip === '' ? 'record-missing' : 'taken');
  }

  async function renew(): Promise<void> {
    const startedAt = now();
    const change = continuedChange({ ...attempted, ref }, 'renewed', clock.wallNow());
    const deadline = deadlineIn(Math.min(DEFAULT_NETWORK_TIMEOUT_MS, staleAfterMs), clock);
    const outcome = await arbiter.use(deadline, async (store) =>
      (await publish(store, [change], false, deadline)).get(ref),
    );
    if (outcome?.kind === 'moved') lose(outcome.tip.kind === 'absent' ? 'record-missing' : 'taken');
    if (outcome?.kind !== 'landed') return;
    // An earlier try may be what landed; it was published before this one began, so it must not extend the hold.
    if (outcome.attempted.record.nonce === change.record.nonce) t0 = startedAt;
    attempted = outcome.attempted;
  }

  function arm(): void {
    const leftMs = t0 + staleAfterMs - now();
    if (leftMs <= 0) return lose('expired');
    const delayMs = Math.min(LONGEST_LOOK_INTERVAL_MS, staleAfterMs / 3, leftMs);
    timer = clock.setTimer(delayMs, () => (work = tick()), { keepsProcessAlive: false });
  }

  async function tick(): Promise<void> {
    const isRenewalDue = now() - t0 >= staleAfterMs / 3;
    // What cannot be asked or renewed now is tried again; only the deadline turns silence into a loss.
    await (isRenewalDue ? renew() : look()).catch(() => undefined);
    if (loss === undefined && !isReleased) arm();
  }

  arm();
  return {
    fencingToken: BigInt(generation),
    check(marginMs) {
      if (loss === undefined && now() + marginMs >= t0 + staleAfterMs) lose('expired');
      return loss;
    },
    onLost(fn) {
      listener = fn;
    },
    async release() {
      isReleased = true;
      timer?.clear();
      await work;
      // Lost is final: what is at the remote now is somebody else's.
      if (loss === 'taken' || loss === 'record-missing') return;
      const deadline = deadlineIn(DEFAULT_NETWORK_TIMEOUT_MS, clock);
      await arbiter.use(deadline, async (store) => {
        for (;;) {
          const change = continuedChange({ ...attempted, ref }, 'released', clock.wallNow());
          const outcome = (await publish(store, [change], false, deadline)).get(ref);
          // A renewal of unknown fate landed instead: the release follows it.
          if (outcome?.kind === 'landed' && outcome.attempted.record.event !== 'released')
            attempted = outcome.attempted;
          else return finishRelease(outcome, parts.display);
        }
      });
    },
  };
}

function finishRelease(outcome: Outcome | undefined, display: string): void {
  if (outcome?.kind === 'failed') throw outcome.error;
  if (outcome?.kind !== 'unconfirmed') return;
  throw new LockError(
    `Could not release "${display}": the remote did not confirm it (${outcome.cause}). It may look claimed until somebody ends it: holdfast claims repair.`,
    { code: 'HOLDFAST_NETWORK', resource: display },
  );
}
