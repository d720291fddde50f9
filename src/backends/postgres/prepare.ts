import type { OpenClient, PgClient, Row } from './client.js';
import { poolerError, sequenceError, sqlState, standbyError } from './errors.js';
import { signOf } from './label.js';
import { CHANNEL, CHECK, replyChannel, SET_SEQUENCE } from './statements.js';

/**
 * What a session must be set to, whatever the server's defaults: never ended for being idle or slow, and ended soon
 * when its client is gone. Only those that the server knows are set (before 14 it knows fewer).
 */
const SETTINGS: Readonly<Record<string, string>> = {
  tcp_keepalives_idle: '5',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '15s',
  client_connection_check_interval: '1s',
  idle_session_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  statement_timeout: '0',
  transaction_timeout: '0',
  lock_timeout: '0',
  default_transaction_read_only: 'off',
  // A token must not come back after a crash: its record is flushed before it is given out.
  synchronous_commit: 'on',
};

/** September 2020 in microseconds: every sequence that we start is above it. */
const LEAST_TOKEN = 1_600_000_000_000_000n;

interface Prepared {
  readonly display: string;
  readonly isSessionPooler: boolean;
}

/**
 * Proves that the session is ours alone and on the server that decides, then sets it up.
 *
 * @param listens to what other processes ask, see `exchange.ts`.
 */
export async function prepare(
  client: PgClient,
  context: Prepared,
  id: string,
  listens: boolean,
): Promise<number> {
  const { rows } = await client.query(CHECK);
  const row = rows[0] as Row;
  if (row['is_standby'] === true) throw standbyError(context.display);
  // A pooler invents the process id of its greeting; the server's own is the one that runs the query.
  if (!context.isSessionPooler && client.processID !== row['pid']) throw poolerError(context.display);
  const settings = JSON.stringify({ ...SETTINGS, application_name: signOf(id) });
  const set = `SELECT set_config(wanted.name, wanted.value, false) FROM jsonb_each_text('${settings}'::jsonb) AS wanted(name, value) JOIN pg_settings USING (name)`;
  const listen = listens ? [`LISTEN ${CHANNEL}`, `LISTEN ${replyChannel(id)}`] : [];
  await client.query([set, ...listen].join('; '));
  await checkSequence(client, row, context.display);
  return row['pid'] as number;
}

/**
 * Whether a pooler of which the address says so really keeps a session for each client: another client in a transaction
 * would get ours while we are idle.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when it does not.
 */
export async function assertKeptSession(
  client: PgClient,
  backendPid: number,
  openAnother: () => Promise<OpenClient>,
  display: string,
): Promise<void> {
  const pidOf = async (asked: PgClient): Promise<unknown> =>
    (await asked.query('SELECT pg_backend_pid() AS pid')).rows[0]?.['pid'];
  const other = await openAnother();
  try {
    await other.client.query('BEGIN');
    const pids = [await pidOf(other.client), await pidOf(client)];
    if (pids[0] === backendPid || pids[1] !== backendPid) throw poolerError(display);
  } finally {
    other.close();
  }
}

/** One that was made by hand may begin below tokens that were given, or give them out of order. */
async function checkSequence(client: PgClient, row: Row, display: string): Promise<void> {
  const last = row['last_token'];
  if (typeof last !== 'string') return;
  if (row['cache_size'] !== '1' || row['increment_by'] !== '1' || row['cycle'] === true) {
    throw sequenceError(display, 'ALTER SEQUENCE public.holdfast_token INCREMENT BY 1 CACHE 1 NO CYCLE');
  }
  if (BigInt(last) >= LEAST_TOKEN) return;
  try {
    await client.query(SET_SEQUENCE);
  } catch (error) {
    if (sqlState(error) !== '42501') throw error;
    throw sequenceError(display, SET_SEQUENCE);
  }
}
