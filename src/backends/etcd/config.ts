import type { Capabilities } from '../../core/backend.js';
import {
  assertKnownParameters,
  decodedLogin,
  TLS_PARAMETERS,
  tlsOptions,
  type TlsOptions,
} from '../engine/address.js';

export const ETCD_CAPABILITIES: Capabilities = {
  modes: ['exclusive', 'shared'],
  reach: 'network',
  orphan: 'expires',
  ticks: true,
  fencing: true,
  permits: true,
};

const DEFAULT_PORT = 2379;

/** Structured-cloneable, so that a worker can reach the same cluster. Holds secrets: never print it. */
export interface EtcdConfig {
  readonly endpoints: readonly EtcdEndpoint[];
  readonly username?: string;
  readonly password?: string;
  readonly tls?: TlsOptions;
  /** `host:port[,host:port...]`, for messages. */
  readonly server: string;
  /** The cluster as an address without credentials, for messages. */
  readonly display: string;
}

export interface EtcdEndpoint {
  readonly host: string;
  readonly port: number;
}

/**
 * Reads `etcd://[user:password@]host[:port][,host[:port]...]` or
 * `etcds://...?ca=FILE&cert=FILE&key=FILE&servername=NAME`. Without a user in it, `ETCDCTL_USER` (`name:password`)
 * gives one, as it does for etcdctl.
 *
 * @throws TypeError for a parameter that would be ignored; the error of the file system for a file that cannot be read.
 */
export function etcdConfig(target: string, environment: NodeJS.ProcessEnv = process.env): EtcdConfig {
  const [, scheme = 'etcd', login, hosts = '', query = ''] =
    /^([a-z]+):\/\/(?:([^/?#]*)@)?([^/?#]*)[^?#]*(\?[^#]*)?$/.exec(target) ?? [];
  const endpoints = hosts.split(',').map(endpointOf);
  const server = endpoints
    .map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
    .join(',');
  const [username, password] = login === undefined ? loginOf(environment) : split(login).map(decodedLogin);
  const display = `${scheme}://${server}`;
  const parameters = new URLSearchParams(query);
  assertKnownParameters(display, parameters, scheme === 'etcds' ? TLS_PARAMETERS : []);
  return {
    endpoints,
    server,
    display,
    ...(username !== undefined && username !== '' && { username, password: password ?? '' }),
    ...(scheme === 'etcds' && { tls: tlsOptions(parameters) }),
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
