import type { Capabilities } from '../../core/backend.js';
import { assertKnownParameters, decodedLogin } from '../engine/address.js';

export const POSTGRES_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'network',
  orphan: 'released',
  fencing: true,
  permits: true,
};

/** How often a held session proves itself, and for how long a proof counts. */
export const HEARTBEAT_MS = 3_000;
export const PROOF_MS = 10_000;

/** Holds secrets: never print it. */
export interface PostgresConfig {
  /** For `pg`, which knows libpq's parameters (`sslmode`, `sslrootcert`, ...), PGPASSWORD and ~/.pgpass: one per host. */
  readonly connectionStrings: readonly string[];
  /** The address vouches for a pooler that gives a client one session for all its time. */
  readonly isSessionPooler: boolean;
  /** `host:port`, for messages. */
  readonly server: string;
  /** The server as an address without credentials, for messages. */
  readonly display: string;
}

/** Those that the package or libpq knows, but for wishes that would not be met. The first are named in messages. */
const PARAMETERS = [
  ...['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host', 'port', 'options', 'pooler'],
  ...['user', 'password', 'dbname', 'ssl', 'sslnegotiation', 'sslpassword', 'sslsni', 'uselibpqcompat'],
  ...['application_name', 'fallback_application_name', 'client_encoding', 'binary', 'channel_binding'],
  ...['connect_timeout', 'keepalives', 'keepalives_idle', 'keepalives_interval', 'keepalives_count'],
  ...['tcp_user_timeout', 'gssencmode', 'krbsrvname', 'load_balance_hosts', 'target_session_attrs'],
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'query_timeout'],
];
const NAMED_PARAMETERS = 8;

/**
 * Reads `postgres://[user[:password]@]host[:port][,host[:port]...]/db[?sslmode=...&pooler=session]`. Of several hosts the
 * first that is a primary is used. `?host=DIRECTORY` names a Unix socket.
 *
 * @throws TypeError for a `pooler` that is not `session`.
 */
export function postgresConfig(target: string): PostgresConfig {
  const [, start = '', hosts = '', rest = ''] =
    /^([a-z]+:\/\/(?:[^/?#]*@)?)([^/?#]*)(.*)$/s.exec(target) ?? [];
  const urls = hosts.split(',').map((host) => urlOf(`${start}${host === '' ? 'localhost' : host}${rest}`));
  const [first] = urls as [URL];
  const pooler = first.searchParams.get('pooler');
  const socket =
    first.searchParams.get('host') ??
    (/^%2f/i.test(first.hostname) ? decodeURIComponent(first.hostname) : null);
  const server =
    socket ?? urls.map((url) => `${url.hostname}:${url.port === '' ? 5432 : url.port}`).join(',');
  const display = `${first.protocol}//${hosts}${first.pathname}`;
  if (pooler !== null && pooler !== 'session') {
    throw new TypeError(
      `Could not read the address "${display}": pooler can only be "session". Leave it out.`,
    );
  }
  assertKnownParameters(display, first.searchParams, PARAMETERS, NAMED_PARAMETERS);
  for (const url of urls) url.searchParams.delete('pooler');
  const connectionStrings = urls.map(({ href }) => href);
  return { connectionStrings, isSessionPooler: pooler === 'session', server, display };
}

/** With a user and a password that the package can decode, whatever stands in the address. */
function urlOf(text: string): URL {
  const url = new URL(text);
  url.username = encodeURIComponent(decodedLogin(url.username));
  url.password = encodeURIComponent(decodedLogin(url.password));
  return url;
}
