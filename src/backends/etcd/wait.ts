import type { AcquireRequest, Grant } from '../../core/backend.js';
import { pause, SERVER_ANSWER_MS, unlessAborted } from '../../net/within.js';
import { endClaim, enqueue, look, type Claim, type Standing } from './claim.js';
import { grantOf, type EtcdContext } from './grant.js';
import { assertSameLimit, onSession, settled } from './on-session.js';
import { only } from './requests.js';
import { keysOf, type Range } from './keys.js';
import type { Session } from './session.js';

/** A watch may hang on a member that is cut off: the queue is looked at now and then in any case. */
const LOOK_AGAIN_MS = 5_000;
/** The holder of a key that was revoked learns of it from its own watch, at the same time as the next in the queue. */
const REVOKED_PAUSE_MS = 500;

type Naming = <T>(work: () => Promise<T>) => Promise<T>;

/** Stands in the cluster's queue until no holder that excludes it is ahead. An abort takes the key out of it. */
export function waitInQueue(
  context: EtcdContext,
  request: AcquireRequest,
  claim: Claim,
  signal: AbortSignal,
  named: Naming,
): Promise<Grant> {
  const work = named(async () => {
    let place = await enter(context, request, claim);
    let ahead: readonly string[] = [];
    try {
      for (;;) {
        const { session, standing } = place;
        const { lastReleased = '' } = standing;
        const isRevoked = standing.kind === 'first' && ahead.length > 0 && !ahead.includes(lastReleased);
        ahead = standing.kind === 'behind' ? standing.rivals.map((rival) => `${rival.createRevision}`) : [];
        if (isRevoked) {
          await pause(context.clock, REVOKED_PAUSE_MS, signal);
        } else if (standing.kind === 'first' && (await context.sessions.refresh(session, SERVER_ANSWER_MS))) {
          return grantOf(context, claim, session, standing.token);
        }
        if (standing.kind === 'behind') await change(context, claim, standing, session, signal);
        signal.throwIfAborted();
        place = await lookAgain(context, request, claim, place);
      }
    } catch (error) {
      // Out of the queue: a key without a caller would keep out all the others.
      throw await settled(context, claim, place.session, error, false);
    }
  });
  return unlessAborted(signal, work, (late) => late.release());
}

interface Place {
  readonly session: Session;
  readonly standing: Standing;
}

async function enter(context: EtcdContext, request: AcquireRequest, claim: Claim): Promise<Place> {
  return onSession(context, request, claim, async (session, budgetMs) => {
    const standing = await enqueue(context.client, claim, session, budgetMs);
    await assertSameLimit(context, claim, standing, budgetMs);
    return { session, standing };
  });
}

/** The place after something may have changed; a new one at the end when session or key are gone. */
async function lookAgain(
  context: EtcdContext,
  request: AcquireRequest,
  claim: Claim,
  { session, standing }: Place,
): Promise<Place> {
  const own =
    standing.kind === 'behind' ? standing.own : standing.kind === 'first' ? standing.token : undefined;
  if (own !== undefined && (await context.sessions.refresh(session, SERVER_ANSWER_MS))) {
    const next = await look(context.client, claim, own, session, SERVER_ANSWER_MS);
    if (next.kind !== 'absent') return { session, standing: next };
  }
  context.sessions.drop(session);
  // A key of a session that we gave up may still be there, and would be in our own way until its lease ends.
  await endClaim(context.client, claim.key, SERVER_ANSWER_MS);
  return enter(context, request, claim);
}

/** Resolves when one of the rivals may have gone, when it is time to look in any case, or at an abort. */
async function change(
  { watches, clock }: EtcdContext,
  claim: Claim,
  standing: Extract<Standing, { kind: 'behind' }>,
  session: Session,
  signal: AbortSignal,
): Promise<void> {
  let wake = (): void => undefined;
  const woken = new Promise<void>((resolve) => (wake = resolve));
  const range = watched(claim, standing);
  const stop = watches.add({
    range,
    startRevision: standing.revision + 1n,
    noPuts: true,
    onEvent: () => wake(),
  });
  try {
    await pause(clock, Math.min(LOOK_AGAIN_MS, session.ttlMs / 4), signal, woken);
  } finally {
    stop();
  }
}

/** Only the one just ahead, so that a release wakes one waiter and not all; any permit may come free. */
function watched(claim: Claim, { rivals }: Extract<Standing, { kind: 'behind' }>): Range {
  const nearest = rivals[0];
  return claim.permits !== undefined || nearest === undefined
    ? keysOf(claim.resource).permits
    : only(nearest.key);
}
