import { readFileSync } from 'node:fs';

import type { Capabilities } from '../../core/backend.js';

export const ETCD_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'network',
  orphan: 'expires',
  fencing: true,
  permits: true,
};

const DEFAULT_PORT = 2379;

/** Structured-cloneable, so that a worker can reach the same cluster. Holds secrets: never print it. */
export interface EtcdConfig {
  readonly endpoints: readonly EtcdEndpoint[];
  readonly username?: string;
  readonly password?: string;
  readonly tls?: EtcdTls;
  /** `host:port[,host:port...]`, for messages. */
  readonly server: string;
  /** The cluster as an address without credentials, for messages. */
  readonly display: string;
}

export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
}

export interface EtcdTls {
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * Reads `etcd://[user:password@]host[:port][,host[:port]...]` or
 * `etcds://...?ca=FILE&cert=FILE&key=FILE&servername=NAME`. Without a user in it, `ETCDCTL_USER` (`name:password`)
 * gives one, as it does for etcdctl.
 *
 * @throws the error of the file system for a file that cannot be read.
 */
export function etcdConfig(target: string, environment: NodeJS.ProcessEnv = process.env): EtcdConfig {
  const [, scheme = 'etcd', login, hosts = '', query = ''] =
    /^([a-z]+):\/\/(?:([^/?#]*)@)?([^/?#]*)[^?#]*(\?[^#]*)?$/.exec(target) ?? [];
  const endpoints = hosts.split(',').map(endpointOf);
  const server = endpoints
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(',');
  const [username, password] =
    login === undefined ? loginOf(environment) : split(login).map(decodeURIComponent);
  return {
    endpoints,
    server,
    display: `${scheme}://${server}`,
    ...(username !== undefined && username !== '' && { username, password: password ?? '' }),
    ...(scheme === 'etcds' && { tls: tlsOf(new URLSearchParams(query)) }),
  };
}

function endpointOf(text: string): EtcdEndpoint {
  const url = new URL(`http://${text}`);
  // A URL forgets port 80, its own default.
  const port = /:(\d+)$/.exec(text)?.[1];
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: port === undefined ? DEFAULT_PORT : Number(port),
  };
}

function loginOf(environment: NodeJS.ProcessEnv): readonly string[] {
  const login = environment['ETCDCTL_USER'];
  return login === undefined ? [] : split(login);
}

function split(login: string): readonly string[] {
  const colon = login.indexOf(':');
  return colon < 0 ? [login] : [login.slice(0, colon), login.slice(colon + 1)];
}

function tlsOf(parameters: URLSearchParams): EtcdTls {
  const tls: Record<string, string> = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = parameters.get(name);
    if (path !== null) tls[name] = readFileSync(path, 'utf8');
  }
  const servername = parameters.get('servername');
  return { ...tls, ...(servername !== null && { servername }) };
}
