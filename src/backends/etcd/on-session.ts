import type { AcquireRequest } from '../../core/backend.js';
import { answerBudgetMs, SERVER_ANSWER_MS } from '../../net/within.js';
import { permitsError, unconfirmedError } from '../engine/errors.js';
import { settleInBackground } from '../engine/settle.js';
import { buryClaim, endClaim, otherLimit, type Claim, type Standing } from './claim.js';
import { EtcdAnswer, EtcdFailure, etcdError } from './errors.js';
import type { EtcdContext } from './grant.js';
import type { Session } from './session.js';

type OnSession<T> = (session: Session, budgetMs: number) => Promise<T>;

/**
 * Runs `work` on a session of the right duration, on another one when the first turns out to be gone: then nothing was
 * put. When the outcome is in doubt the claim is buried before the error goes out, or the error says UNCONFIRMED.
 */
export async function onSession<T>(
  context: EtcdContext,
  request: AcquireRequest,
  claim: Claim,
  work: OnSession<T>,
): Promise<T> {
  const budgetMs = answerBudgetMs(request.timeoutMs);
  const startedAt = context.clock.now();
  const leftMs = (): number => Math.max(1, budgetMs - (context.clock.now() - startedAt));
  for (let isRetry = false; ; isRetry = true) {
    const session = await context.sessions.fresh(request.leaseDurationMs, leftMs());
    try {
      return await work(session, leftMs());
    } catch (error) {
      if (error instanceof EtcdAnswer && error.isLeaseGone && !isRetry) {
        context.sessions.drop(session);
        continue;
      }
      if (error instanceof EtcdFailure && error.isUncertain)
        throw await settled(context, claim, session, error, true);
      throw error;
    }
  }
}

/**
 * What to throw instead of `error`, now that it is known that the claim is gone, or known that this is not known. Then
 * its end is settled in the background.
 *
 * @param mayComeLate the put itself may still be carried out; otherwise the key is there and deleting it is enough.
 */
export async function settled(
  context: EtcdContext,
  claim: Claim,
  session: Session,
  error: unknown,
  mayComeLate: boolean,
): Promise<unknown> {
  const { client, clock, sessions, display, server } = context;
  try {
    if (mayComeLate) await buryClaim(client, claim, session, SERVER_ANSWER_MS / 10);
    else await endClaim(client, claim.key, SERVER_ANSWER_MS / 10);
    return error;
  } catch {
    session.claims++;
    void settleInBackground(
      clock,
      () => sessions.isClosed,
      () => buryClaim(client, claim, session, SERVER_ANSWER_MS),
    );
    const shown = `${display}#${claim.resource}`;
    return unconfirmedError({ shown, server }, claim.holderId, etcdError(error, shown, server));
  }
}

/** @throws LockError HOLDFAST_CONFIG_MISMATCH, with the claim ended, where others count with another number. */
export async function assertSameLimit(
  { display, client }: EtcdContext,
  claim: Claim,
  standing: Standing,
  budgetMs: number,
): Promise<void> {
  const other = otherLimit(claim, standing.kind === 'absent' ? [] : (standing.rivals ?? []));
  if (other === undefined) return;
  await endClaim(client, claim.key, budgetMs);
  throw permitsError(`${display}#${claim.resource}`, claim.permits ?? 1, other);
}
