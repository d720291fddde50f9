import type { Capabilities } from '../../core/backend.js';

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
  /** For `pg`, which knows libpq's parameters (`sslmode`, `sslrootcert`, ...), PGPASSWORD and ~/.pgpass. */
  readonly connectionString: string;
  /** The address vouches for a pooler that gives a client one session for all its time. */
  readonly isSessionPooler: boolean;
  /** `host:port`, for messages. */
  readonly server: string;
  /** The server as an address without credentials, for messages. */
  readonly display: string;
}

/**
 * Reads `postgres://[user[:password]@]host[:port]/db[?sslmode=...&pooler=session]`.
 *
 * @throws TypeError for a `pooler` that is not `session`.
 */
export function postgresConfig(target: string): PostgresConfig {
  const url = new URL(target);
  const pooler = url.searchParams.get('pooler');
  url.searchParams.delete('pooler');
  const host = url.hostname || (url.searchParams.get('host') ?? 'localhost');
  const server = `${host}:${url.port === '' ? 5432 : url.port}`;
  const display = `${url.protocol}//${url.host}${url.pathname}`;
  if (pooler !== null && pooler !== 'session') {
    throw new TypeError(
      `Could not read the address "${display}": pooler can only be "session". Leave it out.`,
    );
  }
  return { connectionString: url.href, isSessionPooler: pooler === 'session', server, display };
}
