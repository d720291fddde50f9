/** Everything of ours is under this; see PROTOCOL.md for what follows. */
export const ROOT = 'holdfast/';

/** `x` exclusive, `s` shared, `p` permit: an order in which locks and permits are two separate ranges. */
export type Kind = 'x' | 's' | 'p';

/** One resource's part of the key space. Percent-encoding leaves no slash in a name, and maps no two names to one. */
export interface EtcdKeys {
  /** Both kinds of lock: from here ... */
  readonly locks: Range;
  readonly exclusive: Range;
  readonly permits: Range;
  /** Its value is the create revision of the claim that was released last. */
  readonly released: string;
  /** Its value is the last tick. */
  readonly tick: string;
  own(kind: Kind, holderId: string, permits?: number): string;
}

export interface Range {
  readonly start: string;
  /** The first key behind it. */
  readonly end: string;
}

/** @throws URIError for a name with half a surrogate pair. */
export function keysOf(name: string): EtcdKeys {
  const base = `${ROOT}${encodeURIComponent(name)}/`;
  return {
    locks: { start: `${base}s/`, end: `${base}x0` },
    exclusive: prefixed(`${base}x/`),
    permits: prefixed(`${base}p/`),
    // Between the ranges, so that it is in the way of none.
    released: `${base}r`,
    tick: `${base}k`,
    own: (kind, holderId, permits) =>
      `${base}${kind}/${permits === undefined ? '' : `${permits}/`}${holderId}`,
  };
}

/** The tombstone of a claim that was given up without knowing its outcome: a put that comes later finds it, and does nothing. */
export function tombstoneOf(holderId: string): string {
  return `${ROOT}/dead/${holderId}`;
}

export function prefixed(start: string): Range {
  // `/` ends every prefix here, and `0` follows it.
  return { start, end: `${start.slice(0, -1)}0` };
}

export interface ParsedKey {
  readonly name: string;
  readonly kind: Kind;
  readonly holderId: string;
  readonly permits: number | undefined;
}

/** Undefined for a key that is none of ours. */
export function parseKey(key: string): ParsedKey | undefined {
  const [, encoded, kind, permits, holderId] =
    /^holdfast\/([^/]+)\/([xsp])\/(?:(\d+)\/)?([a-z2-7]{26})$/.exec(key) ?? [];
  if (encoded === undefined || kind === undefined || holderId === undefined) return undefined;
  try {
    const name = decodeURIComponent(encoded);
    return {
      name,
      kind: kind as Kind,
      holderId,
      permits: permits === undefined ? undefined : Number(permits),
    };
  } catch {
    return undefined;
  }
}
