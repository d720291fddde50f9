import type { AcquireRequest, Grant } from '../../core/backend.js';
import { answerBudgetMs, pause, SERVER_ANSWER_MS } from '../../net/within.js';
import { encodeHolder } from '../../platform/holder-record.js';
import { PROOF_MS } from './config.js';
import { sqlState } from './errors.js';
import { grantOf, type PostgresContext } from './hold.js';
import { advisoryKey } from './keys.js';
import { signOf } from './label.js';
import type { Session } from './session.js';
import {
  ENTER_QUEUE,
  HEARTBEAT,
  PREPARE_WAIT,
  TERMINATE,
  unlockStatement,
  waitStatement,
} from './statements.js';
import { tokenOf, tryLock, withTokens } from './take.js';

/** Above the caller's own deadline, so that a wait ends in the server even if its client is gone. */
const LOCK_TIMEOUT_MARGIN_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';
/** The first of the queue for permits looks this often; the others sleep in the server. */
const PERMIT_LOOK_MS = 25;
/** More waiters than sessions for them look this often. */
const OVERFLOW_LOOK_MS = 100;

/** Waits in the server's queue, on a session of its own while there are some, else by trying now and then. */
export async function waitForGrant(
  context: PostgresContext,
  request: AcquireRequest,
  signal: AbortSignal,
): Promise<Grant> {
  const session = await context.sessions.forWaiting(answerBudgetMs(request.timeoutMs));
  if (session === undefined) return overflowing(context, request, signal);
  const kind = request.permits === undefined ? 'lock' : 'queue';
  const key = advisoryKey(request.resource, kind);
  const stop = context.exchange.add({ ...described(context, request, key), backendPid: session.backendPid });
  const onAbort = (): void => {
    // Ending the connection is enough; the server, notified by another session, notices a second earlier.
    session.close();
    void terminate(context, session.backendPid, session.id).catch(() => undefined);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    if (kind === 'queue') return await inQueue(context, request, signal, session, key);
    session.reserve(key, request.mode);
    const budgetMs = SERVER_ANSWER_MS;
    const rows = await withTokens(session, budgetMs, () =>
      blocking(session, waitStatement(request.mode), key, request.timeoutMs),
    );
    const [row = {}] = rows;
    return grantOf(context, request, { session, key, token: tokenOf(row) });
  } catch (error) {
    // Whatever the server may have granted ends with the session.
    session.close();
    context.sessions.giveBack(session);
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    stop();
  }
}

/** One more lock is the queue for permits: its holder takes the next that comes free. First come, first served. */
async function inQueue(
  context: PostgresContext,
  request: AcquireRequest,
  signal: AbortSignal,
  session: Session,
  queue: string,
): Promise<Grant> {
  await blocking(session, ENTER_QUEUE, queue, request.timeoutMs);
  const grant = await polled(context, request, signal, PERMIT_LOOK_MS);
  // The permit is held by the main session; without an answer the queue ends with its session.
  session
    .query({ text: unlockStatement('exclusive'), values: [queue], budgetMs: SERVER_ANSWER_MS })
    .catch(() => session.close())
    .finally(() => context.sessions.giveBack(session));
  return grant;
}

/** Shown as a waiter by its own claim: it is in no queue of the server. */
async function overflowing(
  context: PostgresContext,
  request: AcquireRequest,
  signal: AbortSignal,
): Promise<Grant> {
  const key = advisoryKey(request.resource, request.permits === undefined ? 'lock' : 'queue');
  const stop = context.exchange.add({ ...described(context, request, key), backendPid: 0 });
  try {
    return await polled(context, request, signal, OVERFLOW_LOOK_MS);
  } finally {
    stop();
  }
}

async function polled(
  context: PostgresContext,
  request: AcquireRequest,
  signal: AbortSignal,
  lookMs: number,
): Promise<Grant> {
  for (;;) {
    signal.throwIfAborted();
    const session = await context.sessions.main(SERVER_ANSWER_MS);
    const won = await tryLock(session, request, SERVER_ANSWER_MS);
    if (won !== undefined) return grantOf(context, request, won);
    await pause(context.clock, lookMs, signal);
  }
}

function described(context: PostgresContext, request: AcquireRequest, key: string) {
  const { resource, mode, holderId } = request;
  const sinceAtMs = context.clock.wallNow();
  const note = (): string => encodeHolder(sinceAtMs, request);
  return { resource, mode, holderId, note, key, state: 'waiter' } as const;
}

/** A statement that blocks in the server until its lock is granted. */
async function blocking(
  session: Session,
  text: string,
  key: string,
  timeoutMs: number = Infinity,
): Promise<readonly Record<string, unknown>[]> {
  const limit = timeoutMs === Infinity ? '0' : String(Math.ceil(timeoutMs) + LOCK_TIMEOUT_MARGIN_MS);
  await session.query({ text: PREPARE_WAIT, values: [limit], budgetMs: Infinity });
  for (;;) {
    try {
      const rows = await session.query({ text, values: [key], budgetMs: Infinity });
      // The answer proves only that the session lived when it was asked, which may be longer ago than a proof counts.
      await session.query({ text: HEARTBEAT, budgetMs: PROOF_MS });
      return rows;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    }
  }
}

/** Ends a session at the server, and all that it holds. */
export async function terminate(
  { sessions }: PostgresContext,
  backendPid: number,
  sessionId: string,
): Promise<boolean> {
  const session = await sessions.main(SERVER_ANSWER_MS);
  const values = [backendPid, signOf(sessionId)];
  const [row] = await session.query({ text: TERMINATE, values, budgetMs: SERVER_ANSWER_MS });
  return row?.['is_told'] === true;
}
