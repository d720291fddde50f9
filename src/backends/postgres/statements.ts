import type { Mode } from '../../core/backend.js';

/** One sequence for all resources: a token rises over every other one of the database. */
export const TOKEN_SEQUENCE = 'public.holdfast_token';

const SUFFIX: Readonly<Record<Mode, string>> = { exclusive: '', shared: '_shared' };

/** Whose the session is from now on, as others see it. */
const SIGN = "set_config('application_name', $2, false)";

/**
 * One round trip, in a certain order: a row of the FROM must be there, and pass the WHERE, before the select list is
 * computed. So the token is drawn under the lock, never before it.
 */
export function tryStatement(mode: Mode): string {
  return `SELECT nextval('${TOKEN_SEQUENCE}') AS token, ${SIGN} FROM pg_try_advisory_lock${SUFFIX[mode]}($1::bigint) AS is_mine WHERE is_mine`;
}

/** The same, in the server's own queue; signed before, so that those who wait can be seen. */
export function waitStatement(mode: Mode): string {
  return `SELECT nextval('${TOKEN_SEQUENCE}') AS token FROM pg_advisory_lock${SUFFIX[mode]}($1::bigint)`;
}

export function unlockStatement(mode: Mode): string {
  return `SELECT pg_advisory_unlock${SUFFIX[mode]}($1::bigint) AS is_ended`;
}

/** LIMIT stops at the first lock that was free: nothing sorts or looks ahead between it and the WHERE. */
export const TRY_PERMIT = `SELECT slot.key, nextval('${TOKEN_SEQUENCE}') AS token, ${SIGN} FROM (SELECT key FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_lock(key) LIMIT 1) AS slot`;

export const ENTER_QUEUE = 'SELECT FROM pg_advisory_lock($1::bigint)';
export const HEARTBEAT = 'SELECT 1';
/** Before a wait: how long it may take, and whose it is. */
export const PREPARE_WAIT = `SELECT set_config('lock_timeout', $1, false), ${SIGN}`;

/** A lost sequence must not bring old tokens back: a new one starts at the server's milliseconds. */
export const NOW_MS = 'SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now';

/** @param start digits; DDL takes no parameters. */
export function createSequence(start: string): string {
  if (!/^\d{1,18}$/.test(start)) throw new TypeError(`Not a number to start at: ${start}`);
  return `CREATE SEQUENCE IF NOT EXISTS ${TOKEN_SEQUENCE} AS bigint START WITH ${start} CACHE 1 NO CYCLE`;
}

const LOCKS = `FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Holders and waiters of some keys, in the order of the queue where the server knows it (14 and newer). */
export const INSPECT = `SELECT l.granted, l.mode, l.pid, l.classid::text, l.objid::text, a.query, a.application_name, a.backend_start, host(a.client_addr) AS client
  ${LOCKS} AND (l.classid::bigint, l.objid::bigint) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
  ORDER BY l.granted DESC, to_jsonb(l) ->> 'waitstart', l.pid`;

export const LIST = `SELECT DISTINCT a.query ${LOCKS} AND l.granted AND starts_with(a.query, '/*holdfast:')`;

/** Only the session that still is whose it was: a process id, and a session, are soon somebody else's. */
export const TERMINATE = `SELECT pg_terminate_backend(pid) AS is_told FROM pg_stat_activity
  WHERE pid = $1 AND application_name = $2`;
