import type { HolderInfo } from '../../core/backend.js';
import { pause, SERVER_ANSWER_MS } from '../../net/within.js';
import { decodeHolderInfo } from '../../platform/holder-record.js';
import { LOOK_MS } from '../engine/limits.js';
import type { ClaimInfo } from './claims.js';
import type { Row } from './client.js';
import type { PostgresContext } from './hold.js';
import { advisoryKey, halvesOf } from './keys.js';
import { readLabel, readSign } from './label.js';
import { HOLDING, INSPECT } from './statements.js';
import { terminate } from './wait.js';

/** Permits are not counted anywhere; looking at more than this many would be a look at nothing. */
const PERMITS_SEEN = 1_000;
/** How long a holder has to end its hold when it is asked to, before its session is ended. */
const END_MS = 2_000;
const END_NOW_MS = 250;
const LOOK_AGAIN_MS = 20;
const NEVER = new AbortController().signal;

/** A lock of pg_locks, with what is known of it. */
interface Found {
  readonly key: string;
  readonly backendPid: number;
  readonly sessionId: string | undefined;
  readonly info: HolderInfo;
}

export async function readHolders(
  context: PostgresContext,
  resource: string,
): Promise<readonly HolderInfo[]> {
  return (await find(context, resource)).map(({ info }) => info);
}

/** The resources of this database that processes hold, as far as they answer. */
export async function listResources(context: PostgresContext): Promise<readonly string[]> {
  const session = await context.sessions.main(LOOK_MS);
  const rows = await session.query({ text: HOLDING, budgetMs: LOOK_MS });
  const pids = rows.map((row) => row['pid'] as number);
  const claims = await context.exchange.ask(pids, undefined);
  const held = claims.filter(({ state }) => state === 'holder');
  return [...new Set(held.map(({ resource }) => resource))].toSorted();
}

/**
 * Has the holder end its hold, so that it knows of it first. One that does not answer loses its session, and with it all
 * that it holds there.
 */
export async function breakHold(
  context: PostgresContext,
  resource: string,
  holderId: string,
  isImmediate: boolean,
): Promise<boolean> {
  const isThis = ({ info }: Found): boolean => info.holderId === holderId && info.state === 'holder';
  const found = (await find(context, resource)).find(isThis);
  if (found?.sessionId === undefined) return false;
  if (found.sessionId !== holderId) {
    await context.exchange.askToEnd(holderId);
    const until = context.clock.now() + (isImmediate ? END_NOW_MS : END_MS);
    while (context.clock.now() < until) {
      const rows = await locks(context, [found.key]);
      if (!rows.some((row) => row['pid'] === found.backendPid && row['granted'] === true)) return true;
      if (!(await find(context, resource)).some(isThis)) return true;
      await pause(context.clock, LOOK_AGAIN_MS, NEVER);
    }
  }
  return terminate(context, found.backendPid, found.sessionId);
}

async function find(context: PostgresContext, resource: string): Promise<readonly Found[]> {
  const queue = advisoryKey(resource, 'queue');
  const permits = Array.from({ length: PERMITS_SEEN }, (_, slot) => advisoryKey(resource, `permit ${slot}`));
  const keys = [advisoryKey(resource, 'lock'), ...permits, queue];
  const keyOf = new Map(keys.map((key) => [halvesOf(key).join(), key]));
  const rows = (await locks(context, keys)).map((row) => {
    const key = keyOf.get(`${String(row['classid'])},${String(row['objid'])}`) ?? '';
    return { row, key, isHeld: row['granted'] === true && key !== queue };
  });
  const sessions = rows.filter(({ row }) => readSign(row['application_name']) !== undefined);
  const pids = [...new Set(sessions.map(({ row }) => row['pid'] as number))];
  const claims = await context.exchange.ask(pids, [...new Set(rows.map(({ key }) => key)), queue]);
  const found = rows.flatMap(({ row, key, isHeld }) => {
    const mine = claims.filter(
      (claim) =>
        claim.backendPid === row['pid'] && claim.key === key && (claim.state === 'holder') === isHeld,
    );
    const base = { key, backendPid: row['pid'] as number, sessionId: readSign(row['application_name']) };
    if (mine.length === 0) return [{ ...base, info: anonymous(row, isHeld) }];
    return mine.map((claim) => ({ ...base, info: described(claim) }));
  });
  // More waiters than sessions for them: they are in no queue of the server.
  const polling = claims.filter((claim) => claim.backendPid === 0);
  return [
    ...found,
    ...polling.map((claim) => ({
      key: claim.key,
      backendPid: 0,
      sessionId: undefined,
      info: described(claim),
    })),
  ];
}

async function locks(context: PostgresContext, keys: readonly string[]): Promise<readonly Row[]> {
  const halves = keys.map(halvesOf);
  const values = [halves.map(([classid]) => classid), halves.map(([, objid]) => objid)];
  const session = await context.sessions.main(SERVER_ANSWER_MS);
  return session.query({ text: INSPECT, values, budgetMs: LOOK_MS });
}

function described(claim: ClaimInfo): HolderInfo {
  const { state, mode, holderId, token, note } = claim;
  return {
    ...decodeHolderInfo(note),
    state,
    mode,
    holderId,
    ...(token !== undefined && { fencingToken: BigInt(token) }),
  };
}

/** A session whose process does not answer: known by its session alone, and what breaks it breaks all of it. */
function anonymous(row: Row, isHeld: boolean): HolderInfo {
  const since = row['backend_start'];
  const sessionId = readSign(row['application_name']);
  const from = typeof row['client'] === 'string' ? row['client'] : 'local';
  return {
    ...readLabel(row['query']),
    state: isHeld ? 'holder' : 'waiter',
    mode: row['mode'] === 'ShareLock' ? 'shared' : 'exclusive',
    ...(sessionId !== undefined && { holderId: sessionId }),
    ...(since instanceof Date && { sinceAt: since.toISOString() }),
    note: `server process ${String(row['pid'])}, client ${from}${sessionId === undefined ? '' : '; it does not answer, and a break ends all that it holds on this server'}`,
  };
}
