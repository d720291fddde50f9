import type { Socket } from 'node:net';
import type { Agent, buildConnector, Dispatcher } from 'undici';

import { extraAuthorities } from './authorities.js';
import { proxySettings, type ProxySettings } from './proxy-settings.js';

const dispatchers = new Map<string, Promise<Dispatcher>>();

/**
 * Connections to servers by `protocol`, through the proxies that the environment names.
 *
 * @param isDetached the sockets do not keep the process alive.
 * @throws NetworkFailure for settings that cannot be used.
 */
export async function dispatcherFor(protocol: string, isDetached: boolean): Promise<Dispatcher> {
  const settings = proxySettings(protocol);
  const key = JSON.stringify([protocol, isDetached, settings, process.env['SSL_CERT_FILE']]);
  let found = dispatchers.get(key);
  if (found === undefined) {
    found = connect(settings, isDetached);
    found.catch(() => dispatchers.delete(key));
    dispatchers.set(key, found);
  }
  return found;
}

async function connect({ proxy, noProxy }: ProxySettings, isDetached: boolean): Promise<Dispatcher> {
  const { buildConnector, EnvHttpProxyAgent, Pool } = await import('undici');
  const ca = extraAuthorities();
  const factory = (origin: string | URL, options: object): Dispatcher => {
    const { connect: connector } = options as Agent.Options;
    const plain = typeof connector === 'function' ? connector : buildConnector({ ...connector });
    return new Pool(origin, { ...options, connect: watched(plain, isDetached) });
  };
  return new EnvHttpProxyAgent({
    httpProxy: proxy,
    httpsProxy: proxy,
    noProxy,
    // Plain HTTP goes to the proxy as a whole URL: many proxies allow CONNECT to port 443 only.
    proxyTunnel: false,
    // The caller judges silence: it also knows the deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 1_000,
    // Every connection, to servers and to proxies.
    factory,
    clientFactory: factory,
    ...(ca !== undefined && { connect: { ca }, requestTls: { ca }, proxyTls: { ca } }),
  });
}

function watched(connector: buildConnector.connector, isDetached: boolean): buildConnector.connector {
  return (options, callback) => {
    const socket = connector(options, (...[error, connected]) => {
      if (error !== null) return callback(error, null);
      prepare(connected, isDetached);
      callback(null, connected);
    }) as unknown;
    // While it connects; the way through a proxy has no socket of its own yet.
    if (isDetached && isSocket(socket)) detach(socket);
  };
}

function prepare(socket: Socket, isDetached: boolean): void {
  // undici takes a reset for the end of a body that has no length. It is a cut one; a listener before undici's says so.
  socket.prependListener('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'ECONNRESET') error.code = 'UND_ERR_SOCKET';
  });
  if (isDetached) detach(socket);
}

/** The client refs its socket again for each request; a detached one stays unref'd for good. */
function detach(socket: Socket): void {
  socket.unref();
  socket.ref = () => socket;
}

function isSocket(value: unknown): value is Socket {
  return typeof (value as Partial<Socket> | undefined)?.unref === 'function';
}
