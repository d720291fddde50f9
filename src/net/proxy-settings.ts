import { NetworkFailure } from './network-failure.js';

/** The proxy for one protocol and the hosts without one, as curl reads them from the environment. */
export interface ProxySettings {
  /** Empty: none. */
  readonly proxy: string;
  readonly noProxy: string;
}

/**
 * `http_proxy` or `https_proxy`, each else `all_proxy`, and `no_proxy`; in small or capital letters. Not one protocol's for the
 * other: many proxies refuse CONNECT to what they were not made for.
 *
 * @throws NetworkFailure for a proxy that is no address.
 */
export function proxySettings(protocol: string): ProxySettings {
  const names = protocol === 'https:' ? ['https_proxy', 'HTTPS_PROXY'] : ['http_proxy', 'HTTP_PROXY'];
  const name = [...names, 'all_proxy', 'ALL_PROXY'].find((variable) => setting(variable) !== undefined);
  const noProxy = setting('no_proxy') ?? setting('NO_PROXY') ?? '';
  if (name === undefined) return { proxy: '', noProxy };
  const value = setting(name) as string;
  const proxy = value === '' || value.includes('://') ? value : `http://${value}`;
  if (proxy !== '' && !(URL.canParse(proxy) && /^(https?|socks5):$/.test(new URL(proxy).protocol)))
    throw new NetworkFailure(`${name} names no proxy by http, https or socks5`, {
      kind: 'proxy',
      isTransient: false,
    });
  return { proxy, noProxy };
}

/** In a CGI program `HTTP_PROXY` is the request's `Proxy:` header, written by any client (CVE-2016-5385). */
function setting(name: string): string | undefined {
  if (name === 'HTTP_PROXY' && process.env['REQUEST_METHOD'] !== undefined) return undefined;
  return process.env[name];
}
