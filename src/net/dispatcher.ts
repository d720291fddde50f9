import type { Socket } from 'node:net';
import type { buildConnector, Dispatcher } from 'undici';

const PROXY_VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'no_proxy', 'NO_PROXY'];

const dispatchers = new Map<string, Promise<Dispatcher>>();

/**
 * Connections to servers, through the proxies that the environment names (`http_proxy`, `https_proxy`, `no_proxy`, in
 * small or capital letters).
 *
 * @param isDetached the sockets do not keep the process alive.
 */
export function dispatcherFor(isDetached: boolean): Promise<Dispatcher> {
  const settings = PROXY_VARIABLES.map((name) => proxySetting(name));
  const key = JSON.stringify([isDetached, ...settings]);
  let found = dispatchers.get(key);
  if (found === undefined) {
    found = connect(isDetached);
    dispatchers.set(key, found);
  }
  return found;
}

/** In a CGI program `HTTP_PROXY` is the request's `Proxy:` header, written by anybody (CVE-2016-5385). */
function proxySetting(name: string): string | undefined {
  if (name === 'HTTP_PROXY' && process.env['REQUEST_METHOD'] !== undefined) return undefined;
  return process.env[name];
}

async function connect(isDetached: boolean): Promise<Dispatcher> {
  const { buildConnector, EnvHttpProxyAgent } = await import('undici');
  return new EnvHttpProxyAgent({
    httpProxy: proxySetting('http_proxy') ?? proxySetting('HTTP_PROXY') ?? '',
    httpsProxy: process.env['https_proxy'] ?? process.env['HTTPS_PROXY'] ?? '',
    noProxy: process.env['no_proxy'] ?? process.env['NO_PROXY'] ?? '',
    // Plain HTTP goes to the proxy as a whole URL: many proxies allow CONNECT to port 443 only.
    proxyTunnel: false,
    // Silence is judged by the caller, who also knows the deadline.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 1_000,
    ...(isDetached && { connect: detached(buildConnector({})) }),
  });
}

/** The client refs its socket again for each request; a detached one stays unref'd for good. */
function detached(connector: buildConnector.connector): buildConnector.connector {
  return (options, callback) => {
    const release = (socket: Socket): void => {
      socket.unref();
      socket.ref = () => socket;
    };
    const socket = connector(options, (...[error, connected]) => {
      if (connected !== null) release(connected);
      if (error === null) callback(null, connected);
      else callback(error, null);
    }) as unknown as Socket | undefined;
    if (socket !== undefined) release(socket);
  };
}
