/** The keys and the channel of one resource. The braces keep them together; the name in them is escaped. */
export interface RedisKeys {
  readonly lock: string;
  readonly token: string;
  readonly permits: string;
  readonly holders: string;
  readonly released: string;
  readonly tick: string;
}

/** Holder ids of broken holds, on one channel for the whole database: their holders listen to it. */
export const BROKEN_CHANNEL = 'holdfast:broken';

const SUFFIX = /^\{(.*)\}:(?:lock|permits)$/s;

/**
 * Percent-encoding leaves neither braces nor colons nor control characters in a name, and maps no two names to one.
 *
 * @throws URIError for a name with half a surrogate pair.
 */
export function keysOf(name: string): RedisKeys {
  const tag = `{${encodeURIComponent(name)}}`;
  return {
    lock: `${tag}:lock`,
    token: `${tag}:token`,
    permits: `${tag}:permits`,
    holders: `${tag}:holders`,
    released: `${tag}:released`,
    tick: `${tag}:tick`,
  };
}

/** The resource behind a key, undefined when the key is not one of ours. */
export function nameOfKey(key: string): string | undefined {
  const encoded = SUFFIX.exec(key)?.[1];
  if (encoded === undefined) return undefined;
  try {
    const name = decodeURIComponent(encoded);
    return encodeURIComponent(name) === encoded ? name : undefined;
  } catch {
    return undefined;
  }
}
