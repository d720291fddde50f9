import type { AcquireRequest, Mode } from '../../core/backend.js';
import type { Row } from './client.js';
import { sqlState } from './errors.js';
import { advisoryKey } from './keys.js';
import type { Session } from './session.js';
import {
  createSequence,
  NOW,
  READ_AGAIN,
  READ_ALL_AGAIN,
  TRY_PERMIT,
  tryAllStatement,
  tryStatement,
  unlockAllStatement,
} from './statements.js';

/** Which advisory lock was granted on which session, and the token drawn under it. */
export interface Won {
  readonly session: Session;
  readonly key: string;
  readonly token: bigint;
}

const UNDEFINED_TABLE = '42P01';
/** Another process created it between the look and the creation. */
const CREATED_MEANWHILE = new Set(['23505', '42P07']);

/** Undefined when it is held, here or elsewhere. */
export function tryLock(
  session: Session,
  request: AcquireRequest,
  budgetMs: number,
): Promise<Won | undefined> {
  const { permits } = request;
  return withTokens(session, budgetMs, () =>
    permits === undefined
      ? tryOnce(session, request, budgetMs)
      : tryPermit(session, request, permits, budgetMs),
  );
}

async function tryOnce(
  session: Session,
  { mode, resource }: AcquireRequest,
  budgetMs: number,
): Promise<Won | undefined> {
  const key = advisoryKey(resource, 'lock');
  const isAgain = session.isReserved(key);
  if (!session.reserve(key, mode)) return undefined;
  let isAnswered = false;
  try {
    const row = await session.keys.ask({
      ...(isAgain
        ? { one: READ_AGAIN, all: READ_ALL_AGAIN }
        : { one: tryStatement(mode), all: tryAllStatement(mode) }),
      key,
      budgetMs,
      onAnswer: (answer, isLate, error) => {
        isAnswered = true;
        // A token that could not be drawn leaves the lock behind, which belongs to the session and not to the statement.
        if (isLate || (error !== undefined && !isUnknownName(error))) unlockLater(session, [key], mode);
        else if (answer === undefined) session.free(key);
      },
    });
    return row === undefined ? undefined : { session, key, token: tokenOf(row) };
  } catch (error) {
    // What was sent is dealt with when it is answered.
    if (!isAnswered && (error as { wasSent?: boolean }).wasSent !== true) session.free(key);
    throw error;
  }
}

/** Each permit is an advisory lock of its own. Those that this session has already it would be granted again. */
async function tryPermit(
  session: Session,
  { resource }: AcquireRequest,
  permits: number,
  budgetMs: number,
): Promise<Won | undefined> {
  const keys = Array.from({ length: permits }, (_, slot) => advisoryKey(resource, `permit ${slot}`));
  const free = (): readonly string[] => keys.filter((key) => !session.isReserved(key));
  const [row] = await session.query({
    text: TRY_PERMIT,
    values: () => [free()],
    budgetMs,
    onAnswer: ([won], isLate) => {
      if (won === undefined) return;
      const key = won['key'] as string;
      session.reserve(key, 'exclusive');
      if (isLate) unlockLater(session, [key], 'exclusive');
    },
    onError: (error) => {
      if (isUnknownName(error)) return;
      const left = free();
      for (const key of left) session.reserve(key, 'exclusive');
      unlockLater(session, left, 'exclusive');
    },
  });
  return row === undefined ? undefined : { session, key: row['key'] as string, token: tokenOf(row) };
}

export const tokenOf = (row: Row): bigint => BigInt(row['token'] as string);

/** Without a deadline: the answer, or the end of the session, settles it. */
function unlockLater(session: Session, keys: readonly string[], mode: Mode): void {
  session.query({ text: unlockAllStatement(mode), values: [keys], budgetMs: Infinity }).then(
    () => keys.forEach((key) => session.free(key)),
    () => undefined,
  );
}

/** The name is resolved before anything runs: nothing was locked. */
const isUnknownName = (error: unknown): boolean => sqlState(error) === UNDEFINED_TABLE;

/** Runs a statement that draws a token; makes the sequence if this database has none yet. */
export async function withTokens<T>(session: Session, budgetMs: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnknownName(error)) throw error;
  }
  const [row] = await session.query({ text: NOW, budgetMs });
  try {
    await session.query({ text: createSequence(String(row?.['now'])), budgetMs });
  } catch (error) {
    if (!CREATED_MEANWHILE.has(sqlState(error) ?? '')) throw error;
  }
  return work();
}
