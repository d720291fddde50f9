import type { AcquireRequest, Grant, Tether } from '../../core/backend.js';
import type { LossReason } from '../../core/lease.js';
import type { Clock } from '../../core/time.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { encodeHolder } from '../../platform/holder-record.js';
import { writeDeadline } from '../../process/supervisor-protocol.js';
import { unreleasedError } from '../engine/errors.js';
import { settleInBackground } from '../engine/settle.js';
import { PROOF_MS } from './config.js';
import { isAnswer, postgresError } from './errors.js';
import type { Exchange } from './exchange.js';
import { SilentSessionError, type SessionHold } from './session.js';
import type { Sessions } from './sessions.js';
import { unlockAllStatement, unlockStatement } from './statements.js';
import type { Won } from './take.js';

/** What the parts of this backend share. */
export interface PostgresContext {
  readonly sessions: Sessions;
  readonly exchange: Exchange;
  readonly clock: Clock;
  readonly server: string;
  readonly display: string;
}

/** One hold on a session that has others beside it. It ends with the session, by its release, or by a break. */
export function grantOf(context: PostgresContext, request: AcquireRequest, won: Won): Grant {
  const { session, key, token } = won;
  const { resource, mode, holderId } = request;
  const sinceAtMs = context.clock.wallNow();
  let listener: ((reason: LossReason) => void) | undefined;
  let lossReason: LossReason | undefined;
  let isOver = false;

  let stopPublishing = (): void => undefined;
  function end(): void {
    isOver = true;
    stopPublishing();
    session.holds.delete(hold);
    forget();
  }
  const hold: SessionHold = {
    lose: (why) => {
      if (isOver) return;
      end();
      lossReason = why;
      // A break leaves the session to its other holds, so the lock must be released.
      if (session.isOpen) release(context, request, won).catch(() => undefined);
      else context.sessions.giveBack(session);
      listener?.(why);
    },
  };
  const forget = context.exchange.add({
    ...{ resource, key, mode, holderId },
    note: () => encodeHolder(sinceAtMs, request),
    backendPid: session.backendPid,
    state: 'holder',
    token: String(token),
    lose: (why) => hold.lose(why),
  });
  session.addHold(hold);
  // It may have ended between the answer and now.
  if (!session.isOpen) hold.lose('session-ended');
  const deadline = (): number => session.provenAt + PROOF_MS;
  /** The server frees the lock when the session's socket is closed, wherever copies of it are. */
  const tether: Tether = {
    deadline,
    publish: (descriptor) => {
      stopPublishing = session.onProven(() => writeDeadline(descriptor, deadline()));
      writeDeadline(descriptor, deadline());
    },
    descriptor: session.descriptor,
  };
  return {
    fencingToken: token,
    tether,
    check: (marginMs) =>
      !isOver && session.isProven(marginMs) ? undefined : (lossReason ?? 'session-ended'),
    onLost: (onLoss) => {
      if (lossReason !== undefined) onLoss(lossReason);
      else listener = onLoss;
    },
    release: async () => {
      listener = undefined;
      if (isOver) return;
      end();
      await release(context, request, won);
    },
  };
}

async function release(context: PostgresContext, request: AcquireRequest, won: Won): Promise<void> {
  const { sessions, clock, server } = context;
  const { session, key } = won;
  const mode = request.permits === undefined ? request.mode : 'exclusive';
  const unlock = {
    ...{ one: unlockStatement(mode), all: unlockAllStatement(mode), key },
    onAnswer: () => session.free(key),
  };
  try {
    await session.keys.ask({ ...unlock, budgetMs: SERVER_ANSWER_MS });
    sessions.giveBack(session);
  } catch (error) {
    // The end of the session is the end of the hold; only a server that says nothing leaves a doubt.
    const isSilent = error instanceof SilentSessionError && session.isOpen;
    if (!isSilent || isAnswer(error)) return sessions.giveBack(session);
    // One that was sent is answered late, or ends with the session.
    const isSettled = (): boolean => error.wasSent || !session.isOpen;
    void settleInBackground(clock, isSettled, () => session.keys.ask({ ...unlock, budgetMs: Infinity }));
    const shown = `${context.display}#${request.resource}`;
    const free = 'once the server answers, or within 20 s if the connection is gone';
    throw unreleasedError({ shown, server }, free, postgresError(error, shown, server));
  }
}
