import { readFileSync } from 'node:fs';

import type { Capabilities } from '../../core/backend.js';

export const REDIS_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'expires',
  fencing: true,
  permits: true,
};

/** Structured-cloneable, so that a worker can open the same connection. Holds secrets: never print it. */
export interface RedisConfig {
  readonly host: string;
  readonly port: number;
  readonly database: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls?: RedisTls;
  /** `host:port`, for messages. */
  readonly server: string;
  /** The server as an address without credentials, for messages. */
  readonly display: string;
}

export interface RedisTls {
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `redis://[user[:password]@]host[:port][/db]` or `rediss://...?ca=FILE&cert=FILE&key=FILE&servername=NAME`.
 * Without a password in it, `REDISCLI_AUTH` gives one, as it does for redis-cli.
 *
 * @throws TypeError for a database that is no number; the error of the file system for a file that cannot be read.
 */
export function redisConfig(target: string, environment: NodeJS.ProcessEnv = process.env): RedisConfig {
  const url = new URL(target);
  const host = url.hostname === '' ? '127.0.0.1' : url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = url.port === '' ? 6379 : Number(url.port);
  const database = url.pathname.length <= 1 ? 0 : Number(url.pathname.slice(1));
  const server = `${url.hostname || host}:${port}`;
  const display = `${url.protocol}//${server}${url.pathname}`;
  if (!Number.isInteger(database) || database < 0) {
    throw new TypeError(`Could not read the address "${display}": the database is not a number. Write /0.`);
  }
  const password = url.password === '' ? environment['REDISCLI_AUTH'] : decodeURIComponent(url.password);
  return {
    host,
    port,
    database,
    server,
    display,
    ...(url.username !== '' && { username: decodeURIComponent(url.username) }),
    ...(password !== undefined && password !== '' && { password }),
    ...(url.protocol === 'rediss:' && { tls: tlsOf(url.searchParams) }),
  };
}

function tlsOf(parameters: URLSearchParams): RedisTls {
  const tls: Record<string, string> = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = parameters.get(name);
    if (path !== null) tls[name] = readFileSync(path, 'utf8');
  }
  const servername = parameters.get('servername');
  return { ...tls, ...(servername !== null && { servername }) };
}
