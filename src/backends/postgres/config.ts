import type { Capabilities } from '../../core/backend.js';
import { decodedLogin } from '../engine/address.js';

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
  const socket = first.searchParams.get('host');
  const server =
    socket ?? urls.map((url) => `${url.hostname}:${url.port === '' ? 5432 : url.port}`).join(',');
  const display = `${first.protocol}//${hosts}${first.pathname}`;
  if (pooler !== null && pooler !== 'session') {
    throw new TypeError(
      `Could not read the address "${display}": pooler can only be "session". Leave it out.`,
    );
  }
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
