import type { Capabilities } from '../../core/backend.js';
import {
  assertKnownParameters,
  decodedLogin,
  TLS_PARAMETERS,
  tlsOptions,
  type TlsOptions,
} from '../engine/address.js';

export const REDIS_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'expires',
  ticks: true,
  fencing: true,
  permits: true,
};

/** Structured-cloneable, so that a worker can open the same connection. Holds secrets: never print it. */
export interface RedisConfig {
  readonly host: string;
  readonly port: number;
  /** Of a Unix socket, in place of host and port. */
  readonly socketPath?: string;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  /** `host:port`, for messages. */
  readonly server: string;
  /** The server as an address without credentials, for messages. */
  readonly display: string;
}

/**
 * Reads `redis://[user[:password]@]host[:port][/db]`, `redis:///?socket=PATH[&db=N]`, or
 * `rediss://...?ca=FILE&cert=FILE&key=FILE&servername=NAME`. `valkey` and `valkeys` stand for the same.
 * Without a password in it, `REDISCLI_AUTH` gives one, as it does for redis-cli.
 *
 * @throws TypeError for a database that is no number, or a parameter that would be ignored; the error of the file system
 *   for a file that cannot be read.
 */
export function redisConfig(target: string, environment: NodeJS.ProcessEnv = process.env): RedisConfig {
  const url = new URL(target);
  const isTls = url.protocol === 'rediss:' || url.protocol === 'valkeys:';
  const host = url.hostname === '' ? '127.0.0.1' : url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 6379 : Number(url.port);
  const socketPath = url.searchParams.get('socket');
  const server = socketPath ?? `${url.hostname || host}:${port}`;
  const display = `${url.protocol}//${socketPath === null ? server : ''}${url.pathname}`;
  assertKnownParameters(display, url.searchParams, ['db', ...(isTls ? TLS_PARAMETERS : ['socket'])]);
  const password = url.password === '' ? environment['REDISCLI_AUTH'] : decodedLogin(url.password);
  return {
    host,
    port,
    ...(socketPath !== null && { socketPath }),
    database: databaseOf(url, display),
    server,
    display,
    ...(url.username !== '' && { username: decodedLogin(url.username) }),
    ...(password !== undefined && password !== '' && { password }),
    ...(isTls && { tls: tlsOptions(url.searchParams) }),
  };
}

function databaseOf(url: URL, display: string): number {
  const inPath = url.pathname.length <= 1 ? undefined : url.pathname.slice(1);
  const inQuery = url.searchParams.get('db') ?? undefined;
  if (inPath !== undefined && inQuery !== undefined && inPath !== inQuery) {
    throw new TypeError(`Could not read the address "${display}": it names two databases. Leave out ?db=.`);
  }
  const text = inPath ?? inQuery ?? '0';
  if (text.includes('/')) {
    throw new TypeError(
      `Could not read the address "${display}": the database is not a number. For a Unix socket write redis:///0?socket=/${text.replace(/^\/+/, '')}.`,
    );
  }
  if (!/^\d{1,9}$/.test(text)) {
    throw new TypeError(`Could not read the address "${display}": the database is not a number. Write /0.`);
  }
  return Number(text);
}
