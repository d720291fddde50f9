import type { Mode } from '../../core/backend.js';

/** One sequence for all resources: a token rises over every other one of the database. */
export const TOKEN_SEQUENCE = 'public.holdfast_token';

const SUFFIX: Readonly<Record<Mode, string>> = { exclusive: '', shared: '_shared' };

/**
 * One round trip, in a certain order: a row of the FROM must be there, and pass the WHERE, before the select list is
 * computed. So the token is drawn under the lock, never before it.
 */
export function tryStatement(mode: Mode): string {
  return `SELECT nextval('${TOKEN_SEQUENCE}') AS token FROM pg_try_advisory_lock${SUFFIX[mode]}($1::bigint) AS is_mine WHERE is_mine`;
}

/** The same for many at once, in order. */
export function tryAllStatement(mode: Mode): string {
  return `SELECT wanted.key, nextval('${TOKEN_SEQUENCE}') AS token FROM unnest($1::bigint[]) AS wanted(key) WHERE pg_try_advisory_lock${SUFFIX[mode]}(wanted.key)`;
}

/** The server grants a session again what it has, past every writer that waits: so it is asked for those first. */
const hasWriter = (key: string): string => `EXISTS (SELECT FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND NOT l.granted AND l.mode = 'ExclusiveLock'
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid::bigint = ((${key} >> 32) & 4294967295) AND l.objid::bigint = (${key} & 4294967295))`;
const readAgain = (key: string): string =>
  `CASE WHEN ${hasWriter(key)} THEN false ELSE pg_try_advisory_lock_shared(${key}) END`;

/** {@link tryStatement} for a reader on a session that reads under the same key. */
export const READ_AGAIN = `SELECT nextval('${TOKEN_SEQUENCE}') AS token FROM (SELECT ${readAgain('$1::bigint')} AS is_mine OFFSET 0) AS tried WHERE is_mine`;

/** The same for many at once. */
export const READ_ALL_AGAIN = `SELECT wanted.key, nextval('${TOKEN_SEQUENCE}') AS token FROM unnest($1::bigint[]) AS wanted(key) WHERE ${readAgain('wanted.key')}`;

/** The same, in the server's own queue. */
export function waitStatement(mode: Mode): string {
  return `SELECT nextval('${TOKEN_SEQUENCE}') AS token FROM pg_advisory_lock${SUFFIX[mode]}($1::bigint)`;
}

export function unlockStatement(mode: Mode): string {
  return `SELECT pg_advisory_unlock${SUFFIX[mode]}($1::bigint) AS is_ended`;
}

/** Those that are not held are passed over, with a warning in the server's log. */
export function unlockAllStatement(mode: Mode): string {
  return `SELECT wanted.key, pg_advisory_unlock${SUFFIX[mode]}(wanted.key) AS is_ended FROM unnest($1::bigint[]) AS wanted(key)`;
}

/** LIMIT stops at the first lock that was free: nothing sorts or looks ahead between it and the WHERE. */
export const TRY_PERMIT = `SELECT slot.key, nextval('${TOKEN_SEQUENCE}') AS token FROM (SELECT key FROM unnest($1::bigint[]) AS key WHERE pg_try_advisory_lock(key) LIMIT 1) AS slot`;

export const ENTER_QUEUE = 'SELECT FROM pg_advisory_lock($1::bigint)';
export const HEARTBEAT = 'SELECT 1';
/** Before a wait: how long it may take. */
export const PREPARE_WAIT = `SELECT set_config('lock_timeout', $1, false)`;

/** The server's clock: it decides nothing but that a new sequence starts above one that was lost. */
const NOW_US = '(extract(epoch FROM clock_timestamp()) * 1000000)::bigint';
export const NOW = `SELECT ${NOW_US} AS now`;

/** @param start digits; DDL takes no parameters. */
export function createSequence(start: string): string {
  if (!/^\d{1,18}$/.test(start)) throw new TypeError(`Not a number to start at: ${start}`);
  return `CREATE SEQUENCE IF NOT EXISTS ${TOKEN_SEQUENCE} AS bigint START WITH ${start} CACHE 1 NO CYCLE`;
}

/** Tokens only ever rise, also when two sessions find the same sequence too low. */
export const SET_SEQUENCE = `SELECT setval('${TOKEN_SEQUENCE}', greatest(nextval('${TOKEN_SEQUENCE}'), ${NOW_US}))`;

/** Of a new session: which server it is on, and what the sequence is like, if there is one that it may use. */
export const CHECK = `SELECT pg_backend_pid() AS pid, pg_is_in_recovery() AS is_standby,
    coalesce(s.last_value, CASE WHEN has_sequence_privilege(to_regclass('public.holdfast_token')::oid, 'USAGE') THEN s.start_value END)::text AS last_token,
    s.cache_size::text, s.increment_by::text, s.cycle
  FROM (SELECT 1) AS one LEFT JOIN pg_sequences AS s ON s.schemaname = 'public' AND s.sequencename = 'holdfast_token'`;

const LOCKS = `FROM pg_locks AS l LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
  WHERE l.locktype = 'advisory' AND l.objsubid = 1
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

/** Holders and waiters of some keys, in the order of the queue where the server knows it (14 and newer). */
export const INSPECT = `SELECT l.granted, l.mode, l.pid, l.classid::text, l.objid::text, a.query, a.application_name, a.backend_start, host(a.client_addr) AS client
  ${LOCKS} AND (l.classid::bigint, l.objid::bigint) IN (SELECT * FROM unnest($1::bigint[], $2::bigint[]))
  ORDER BY l.granted DESC, to_jsonb(l) ->> 'waitstart', l.pid`;

/** Sessions of ours that hold anything. */
export const HOLDING = `SELECT DISTINCT l.pid ${LOCKS} AND l.granted AND a.application_name ~ '^holdfast [a-z2-7]{26}$'`;

/** Only the session that still is the one that was named: a process id is soon another's. */
export const TERMINATE = `SELECT pg_terminate_backend(pid) AS is_told FROM pg_stat_activity
  WHERE pid = $1 AND application_name = $2`;

/** Whether the process that sent a notification may end sessions of ours: then it may ask for it, too. */
export const MAY_BREAK = `SELECT pg_has_role(usesysid, current_user::regrole, 'MEMBER') AS may FROM pg_stat_activity WHERE pid = $1`;

/** What processes ask each other, see `exchange.ts`. */
export const CHANNEL = 'holdfast';
export const replyChannel = (sessionId: string): string => `holdfast_${sessionId}`;
export const NOTIFY = 'SELECT pg_notify($1, $2)';
