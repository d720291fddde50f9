import { formatDuration } from '../../core/duration.js';
import { sleep } from '../../platform/clock.js';
import type { Contact } from '../contact.js';
import { finding, plural, type Finding } from '../finding.js';
import type { Asked } from '../party-locks.js';
import { contest } from './contest.js';
import { PATIENCE_MS, type CheckContext } from './context.js';

const NAME = 'lease.lock';
const TRIES = 5;
/** A contender looks only now and then, so a hold takes some tenths of a second. */
const SLOWNESS = 5;
const CONTEST_MS = 8_000;

function take({ leaseMs }: CheckContext, party: Contact, timeoutMs: number): Promise<Asked> {
  return party.ask('lock', 'lease', NAME, { timeoutMs, leaseDurationMs: leaseMs });
}

function giveBack(party: Contact): Promise<string | undefined> {
  return party.ask('unlock', NAME);
}

function failed(asked: Exclude<Asked, { kind: 'held' }>): Finding {
  if (asked.kind === 'busy') return finding('lease', 'unknown', 'it could not be had in time');
  return finding('lease', 'refused', asked.fact, { code: asked.code });
}

/** Milliseconds that a contender may have to wait for a free lease: its silence, and old listings. */
function patienceMs({ leaseMs }: CheckContext): number {
  return 1.25 * leaseMs + 1_000 + PATIENCE_MS;
}

/** Exclusion, and tokens that rise. */
export async function checkLease(context: CheckContext): Promise<Finding> {
  const { here, there, rounds } = context;
  const first = await take(context, here, patienceMs(context));
  if (first.kind !== 'held') return failed(first);
  for (let round = 0; round < TRIES; round++) {
    const second = await take(context, there, 0);
    if (second.kind === 'held' && (await here.ask('believes', NAME))) {
      await Promise.all([giveBack(there), giveBack(here)]);
      return finding('lease', 'broken', 'both were given the lock', { overlaps: 1 });
    }
    if (second.kind === 'failed') {
      await giveBack(here);
      return failed(second);
    }
  }
  await giveBack(here);
  const limit = { rounds: Math.max(2, Math.ceil(rounds / SLOWNESS)), withinMs: CONTEST_MS };
  const { holds, overlaps, isShared, hasOrder, failures } = await contest(
    context,
    [here, there],
    (party) => take(context, party, patienceMs(context)),
    giveBack,
    (party) => party.ask('believes', NAME),
    limit,
  );
  const figures = { holds, overlaps };
  if (overlaps > 0) {
    return finding('lease', 'broken', `both were inside in ${overlaps} of ${plural(holds, 'hold')}`, figures);
  }
  if (!hasOrder) return finding('lease', 'broken', 'fencing tokens did not rise', figures);
  if (failures.length > 0) return finding('lease', 'refused', failures.join('; '), figures);
  if (!isShared) return finding('lease', 'unknown', 'one of the two never got it', figures);
  return finding('lease', 'holds', `no overlap in ${plural(holds, 'hold')}, tokens rise`, figures);
}

/** A holder that renews keeps it; one that is stopped loses it, and knows when it runs again. */
export async function checkLeaseTakeover(context: CheckContext): Promise<Finding> {
  const { here, there, clock, leaseMs } = context;
  const first = await take(context, here, patienceMs(context));
  if (first.kind !== 'held') return { ...failed(first), check: 'lease takeover' };
  let grantedAt = Infinity;
  const waiting = take(context, there, 4 * leaseMs + patienceMs(context)).then((asked) => {
    if (asked.kind === 'held') grantedAt = clock.now();
    return asked;
  });
  await sleep(1.25 * leaseMs);
  const isRenewed = await here.ask('believes', NAME);
  const wasGranted = grantedAt < Infinity;
  const pausedAt = clock.now();
  if (isRenewed && !wasGranted) here.pause();
  const second = await waiting;
  here.resume();
  const isStillBelieved = await here.ask('believes', NAME);
  await Promise.all([giveBack(there), giveBack(here)]);
  if (isRenewed && wasGranted && isStillBelieved) {
    return finding('lease takeover', 'broken', 'it was taken from a holder that renews it', { overlaps: 1 });
  }
  // Taken over from a holder that had not been given the time to renew, and knows.
  if (!isRenewed || wasGranted) {
    const text = `it could not be renewed within ${formatDuration(leaseMs)}: try a longer --lease`;
    return finding('lease takeover', 'unknown', text);
  }
  if (second.kind !== 'held') {
    return { ...failed(second), check: 'lease takeover' };
  }
  return judgeTakeover(first, second, isStillBelieved, grantedAt - pausedAt, leaseMs);
}

function judgeTakeover(
  first: Asked & { kind: 'held' },
  second: Asked & { kind: 'held' },
  isStillBelieved: boolean,
  takeoverMs: number,
  leaseMs: number,
): Finding {
  const figures = { takeoverMs: Math.round(takeoverMs), leaseMs };
  if (isStillBelieved) {
    return finding('lease takeover', 'broken', 'a holder that lost it did not know', {
      ...figures,
      overlaps: 1,
    });
  }
  // The last renewal was at most a third of a lease before the pause.
  if (takeoverMs < (2 / 3) * leaseMs) {
    return finding('lease takeover', 'broken', 'it was taken over before it had run out', figures);
  }
  if (BigInt(second.token ?? 0) <= BigInt(first.token ?? 0)) {
    return finding('lease takeover', 'broken', 'the token did not rise', figures);
  }
  const text = `from a stopped holder after ${formatDuration(takeoverMs)} (lease of ${formatDuration(leaseMs)}), which knew`;
  return finding('lease takeover', 'holds', text, figures);
}
