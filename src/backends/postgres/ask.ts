import type { AcquireRequest } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import { answerBudgetMs } from '../../net/within.js';
import type { PostgresContext } from './context.js';
import type { Row } from './client.js';
import { PROOF_MS } from './config.js';
import { isAnswer, sqlState } from './errors.js';
import { labelFor, signOf } from './label.js';
import type { Session } from './session.js';
import { createSequence, HEARTBEAT, NOW_MS, PREPARE_WAIT } from './statements.js';

/** One request on a session of its own. */
export interface Ask {
  readonly request: AcquireRequest;
  readonly session: Session;
  readonly clock: Clock;
  /** Opens every statement, so that others can see whose it is. */
  readonly label: string;
  /** Whose the session is while this is under way, see {@link signOf}. */
  readonly sign: string;
  query(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
  /** A statement that blocks in the server until its lock is granted. */
  wait(text: string, values: readonly unknown[]): Promise<readonly Row[]>;
}

/** Above the caller's own deadline, so that a wait ends in the server even if nobody is left to end it. */
const LOCK_TIMEOUT_MARGIN_MS = 1_000;
const LOCK_NOT_AVAILABLE = '55P03';
const UNDEFINED_TABLE = '42P01';
/** Somebody else created it between the look and the creation. */
const CREATED_MEANWHILE = new Set(['23505', '42P07']);

/** Runs `work` on a session that is ended if it fails: whatever the server may have granted ends with it. */
export async function onSession<T>(
  context: PostgresContext,
  request: AcquireRequest,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const budgetMs = answerBudgetMs(request.timeoutMs);
  const kept = context.sessions.take();
  if (kept !== undefined) {
    try {
      return await attempt(context, request, kept, budgetMs, work);
    } catch (error) {
      // It may have died in its sleep. Then it took along whatever it was asked for, and another may be asked.
      if (isAnswer(error) || (error as { code?: unknown }).code === 'ETIMEDOUT') throw error;
    }
  }
  return attempt(context, request, await context.sessions.open(budgetMs), budgetMs, work);
}

async function attempt<T>(
  context: PostgresContext,
  request: AcquireRequest,
  session: Session,
  budgetMs: number,
  work: (ask: Ask) => Promise<T>,
): Promise<T> {
  const label = labelFor(request.resource, request);
  const sign = signOf(request.holderId, context.clock.wallNow());
  try {
    return await work({
      request,
      session,
      clock: context.clock,
      label,
      sign,
      query: (text, values) => session.query(label + text, values, budgetMs),
      wait: (text, values) => wait(session, { label, sign }, request.timeoutMs ?? Infinity, text, values),
    });
  } catch (error) {
    session.close();
    throw error;
  }
}

async function wait(
  session: Session,
  { label, sign }: Pick<Ask, 'label' | 'sign'>,
  timeoutMs: number,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const limit = timeoutMs === Infinity ? '0' : String(Math.ceil(timeoutMs) + LOCK_TIMEOUT_MARGIN_MS);
  await session.query(label + PREPARE_WAIT, [limit, sign], Infinity);
  for (;;) {
    try {
      const rows = await session.query(label + text, values, Infinity);
      // The answer proves only that the session lived when it was asked, which may be longer ago than a proof counts.
      await session.query(label + HEARTBEAT, [], PROOF_MS);
      return rows;
    } catch (error) {
      if (sqlState(error) !== LOCK_NOT_AVAILABLE) throw error;
    }
  }
}

/** Runs a statement that draws a token; makes the sequence if this database has none yet. */
export async function withTokens<T>(ask: Ask, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    // The name is resolved before anything runs: nothing was locked.
    if (sqlState(error) !== UNDEFINED_TABLE) throw error;
  }
  const [row] = await ask.query(NOW_MS, []);
  try {
    await ask.query(createSequence(String(row?.['now'])), []);
  } catch (error) {
    if (!CREATED_MEANWHILE.has(sqlState(error) ?? '')) throw error;
  }
  return work();
}
