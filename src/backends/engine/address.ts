import { readFileSync } from 'node:fs';

/** Files and name for a TLS connection, read when the address is. */
export interface TlsOptions {
  readonly servername?: string;
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

export const TLS_PARAMETERS = ['ca', 'cert', 'key', 'servername'] as const;

/** `?ca=FILE&cert=FILE&key=FILE&servername=NAME`. @throws the error of the file system for a file that cannot be read. */
export function tlsOptions(parameters: URLSearchParams): TlsOptions {
  const tls: Record<string, string> = {};
  for (const name of ['ca', 'cert', 'key'] as const) {
    const path = parameters.get(name);
    if (path !== null) tls[name] = readFileSync(path, 'utf8');
  }
  const servername = parameters.get('servername');
  return { ...tls, ...(servername !== null && { servername }) };
}

/** @throws TypeError for a parameter that would be ignored, with those that are known. */
export function assertKnownParameters(
  display: string,
  parameters: URLSearchParams,
  known: readonly string[],
  namedCount = known.length,
): void {
  for (const name of parameters.keys()) {
    if (known.includes(name)) continue;
    const others = known.length === 0 ? 'Leave it out' : `Known are ${known.slice(0, namedCount).join(', ')}`;
    throw new TypeError(`Could not read the address "${display}": it has no parameter "${name}". ${others}.`);
  }
}

/** User or password of a URL. A `%` that escapes nothing stands for itself: many a password has one. */
export function decodedLogin(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (escaped) => {
    try {
      return decodeURIComponent(escaped);
    } catch {
      return escaped;
    }
  });
}
