import type { HolderInfo } from '../../core/backend.js';
import type { PostgresContext } from './context.js';
import type { Row } from './client.js';
import { advisoryKey, halvesOf } from './keys.js';
import { holderOf, readLabel, readSign } from './label.js';
import { INSPECT, LIST, TERMINATE } from './statements.js';

/** Looking is worth less patience than locking: it often happens for the sake of a message. */
const LOOK_MS = 3_000;
/** Permits are not counted anywhere; looking at more than this many would be a look at nothing. */
const PERMITS_SEEN = 1_000;

export async function readHolders(
  context: PostgresContext,
  resource: string,
): Promise<readonly HolderInfo[]> {
  const permits = Array.from({ length: PERMITS_SEEN }, (_, slot) => advisoryKey(resource, `permit ${slot}`));
  const queue = advisoryKey(resource, 'queue');
  const halves = [advisoryKey(resource, 'lock'), ...permits, queue].map(halvesOf);
  const rows = await ask(context, INSPECT, [
    halves.map(([classid]) => classid),
    halves.map(([, objid]) => objid),
  ]);
  const [classid, objid] = halvesOf(queue);
  return rows.map((row) => holderInfo(row, row['classid'] === classid && row['objid'] === objid));
}

/** @param isQueue the lock is that of the queue for permits, whose owner is the first of those who wait. */
function holderInfo(row: Row, isQueue: boolean): HolderInfo {
  const label = readLabel(row['query']);
  const since = row['backend_start'];
  return {
    state: row['granted'] === true && !isQueue ? 'holder' : 'waiter',
    mode: row['mode'] === 'ShareLock' ? 'shared' : 'exclusive',
    ...(label === undefined
      ? {
          note: `server process ${String(row['pid'])}, client ${typeof row['client'] === 'string' ? row['client'] : 'local'}`,
          ...(since instanceof Date && { sinceAt: since.toISOString() }),
        }
      : holderOf(label, row['application_name'])),
  };
}

/** The resources of this database that somebody holds, as far as this user may see. */
export async function listResources(context: PostgresContext): Promise<readonly string[]> {
  const rows = await ask(context, LIST, []);
  const names = rows.map((row) => readLabel(row['query'])?.resource ?? '').filter((name) => name !== '');
  return [...new Set(names)].toSorted();
}

/** Ends the session of a holder. It is told by its closed connection, unless that is cut. */
export async function terminateHolder(
  context: PostgresContext,
  resource: string,
  holderId: string,
): Promise<boolean> {
  const permits = Array.from({ length: PERMITS_SEEN }, (_, slot) => advisoryKey(resource, `permit ${slot}`));
  const halves = [advisoryKey(resource, 'lock'), ...permits].map(halvesOf);
  const rows = await ask(context, INSPECT, [
    halves.map(([classid]) => classid),
    halves.map(([, objid]) => objid),
  ]);
  for (const row of rows) {
    const sign = row['application_name'];
    if (readSign(sign).holderId !== holderId || row['granted'] !== true) continue;
    return terminate(context, row['pid'] as number, sign as string);
  }
  return false;
}

export async function terminate(
  context: PostgresContext,
  backendPid: number,
  sign: string,
): Promise<boolean> {
  const rows = await ask(context, TERMINATE, [backendPid, sign]);
  return rows[0]?.['is_told'] === true;
}

async function ask(
  context: PostgresContext,
  text: string,
  values: readonly unknown[],
): Promise<readonly Row[]> {
  const session = context.sessions.take() ?? (await context.sessions.open(LOOK_MS));
  try {
    const rows = await session.query(text, values, LOOK_MS);
    context.sessions.giveBack(session);
    return rows;
  } catch (error) {
    session.close();
    throw error;
  }
}
