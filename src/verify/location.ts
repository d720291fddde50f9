import { resolve } from 'node:path';

/** Where a party works: here, or on another host. */
export interface Location {
  readonly host?: string;
  readonly path: string;
}

/** As scp(1) reads it: a colon before the first slash ends the name of a host. `./a:b` is a path. */
export function parseLocation(text: string): Location {
  const match = /^([^/:\\]{2,}):(.+)$/s.exec(text);
  return match === null ? { path: resolve(text) } : { host: match[1] as string, path: match[2] as string };
}

export function formatLocation({ host, path }: Location): string {
  return host === undefined ? path : `${host}:${path}`;
}

/** For the shell at the other end of ssh(1), which joins its arguments with spaces. */
export function quoteForShell(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
