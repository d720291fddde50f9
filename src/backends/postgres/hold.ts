import type { Grant, Mode, Tether } from '../../core/backend.js';
import type { Clock, Deadline, Deadlines } from '../../core/time.js';
import { LockError } from '../../core/errors.js';
import type { LossReason, LeaseClock } from '../../core/lease.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';
import { writeDeadline } from '../../process/supervisor-protocol.js';
import { HEARTBEAT_MS, PROOF_MS } from './config.js';
import { isAnswer, postgresError } from './errors.js';
import type { Session } from './session.js';
import type { Sessions } from './sessions.js';
import { HEARTBEAT, unlockStatement } from './statements.js';

export interface HoldContext {
  readonly sessions: Sessions;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly leaseClock: LeaseClock;
  readonly server: string;
}

/** What is held, and in whose name. */
export interface Held {
  readonly session: Session;
  readonly key: string;
  readonly mode: Mode;
  readonly label: string;
  /** For messages. */
  readonly shown: string;
}

/**
 * The server ends a hold with its session, and nothing else does. The session is proven by an answer to any request:
 * it was alive after the request was sent. A cut connection tells nothing; the server frees what it holds after
 * tcp_user_timeout or the keepalives, 15 to 20 s, so belief ends {@link PROOF_MS} after the last proof.
 */
export function holdOf(context: HoldContext, held: Held, fencingToken: bigint): Grant {
  const { deadlines, leaseClock } = context;
  const { session } = held;
  let listener: ((reason: LossReason) => void) | undefined;
  let isOver = false;
  let next: Deadline;

  function lose(): void {
    if (isOver) return;
    isOver = true;
    deadlines.remove(next);
    session.close();
    listener?.('session-ended');
  }

  function isProven(marginMs: number): boolean {
    return session.isOpen && leaseClock.now() + marginMs < session.provenAt + PROOF_MS;
  }

  function watch(): void {
    next = deadlines.add(HEARTBEAT_MS, beat);
  }

  function beat(): void {
    const remainingMs = session.provenAt + PROOF_MS - leaseClock.now();
    if (remainingMs <= 0) return lose();
    session.query(held.label + HEARTBEAT, [], remainingMs).then(
      () => {
        if (!isOver) watch();
      },
      // An error instead of an answer is a session that is not as we left it.
      () => lose(),
    );
  }

  watch();
  session.onEnd = lose;
  return {
    fencingToken,
    tether: tetherOf(session),
    check: (marginMs) => (!isOver && isProven(marginMs) ? undefined : 'session-ended'),
    onLost: (told) => {
      if (isOver) told('session-ended');
      else listener = told;
    },
    release: async () => {
      listener = undefined;
      if (isOver) return;
      isOver = true;
      deadlines.remove(next);
      await release(context, held);
    },
  };
}

/** The server frees the lock when the session's socket is closed, wherever copies of it are. */
function tetherOf(session: Session): Tether {
  const deadline = (): number => session.provenAt + PROOF_MS;
  return {
    deadline,
    publish: (descriptor) => {
      session.onProven = () => writeDeadline(descriptor, deadline());
      writeDeadline(descriptor, deadline());
    },
    descriptor: session.descriptor,
  };
}

async function release(context: HoldContext, { session, key, mode, shown }: Held): Promise<void> {
  session.onEnd = undefined;
  session.onProven = undefined;
  try {
    const [row] = await session.query(unlockStatement(mode), [key], SERVER_ANSWER_MS);
    if (row?.['is_ended'] === true) context.sessions.giveBack(session);
    else session.close();
  } catch (error) {
    // The end of the session is the end of the hold; only a server that says nothing leaves a doubt.
    const isOver = !session.isOpen || isAnswer(error);
    session.close();
    if (isOver) return;
    throw new LockError(
      `Could not release "${shown}": ${context.server} did not confirm it. It is free once the server notices that the connection is gone, within 20 s.`,
      { code: 'HOLDFAST_NETWORK', resource: shown, cause: postgresError(error, shown, context.server) },
    );
  }
}
