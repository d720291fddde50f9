import type { AcquireRequest } from '../../core/backend.js';
import { LockError } from '../../core/errors.js';
import { answerBudgetMs, SERVER_ANSWER_MS } from '../../net/within.js';
import type { EtcdContext } from './context.js';
import { buryClaim, endClaim, type Claim } from './claim.js';
import { EtcdAnswer, EtcdFailure, etcdError } from './errors.js';
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
 * What to throw instead of `error`, now that it is known that the claim is gone, or known that this is not known.
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
  try {
    if (mayComeLate) await buryClaim(context.gateway, claim, session, SERVER_ANSWER_MS / 10);
    else await endClaim(context.gateway, claim.key, SERVER_ANSWER_MS / 10);
    return error;
  } catch {
    // No more holds on it: what may stand on this session must not be renewed for the sake of others.
    context.sessions.drop(session);
    void bury(context, claim, session).catch(() => undefined);
    const shown = `${context.display}#${claim.resource}`;
    return new LockError(
      `Could not tell whether "${shown}" was locked: ${context.server} did not answer. Holder ${claim.holderId} may stand until its lease ends; try again after that.`,
      { code: 'HOLDFAST_UNCONFIRMED', resource: shown, cause: etcdError(error, shown, context.server) },
    );
  }
}

/** Goes on until the cluster answers, or the session is over and the claim with it. */
async function bury(context: EtcdContext, claim: Claim, session: Session): Promise<void> {
  const { clock, leaseClock, gateway } = context;
  const until = leaseClock.now() + session.ttlMs;
  while (leaseClock.now() < until) {
    try {
      return await buryClaim(gateway, claim, session, SERVER_ANSWER_MS);
    } catch {
      await new Promise<void>((resolve) => {
        clock.setTimer(SERVER_ANSWER_MS / 5, resolve, { keepsProcessAlive: false });
      });
    }
  }
}
