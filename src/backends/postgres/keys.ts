import { createHash } from 'node:crypto';

/** A hash costs as much as all else that is computed for a hold. */
const KEYS_KEPT = 256;

/** What an advisory lock stands for. A resource's lock, the queue for its permits, and each permit are apart. */
export type KeyKind = 'lock' | 'queue' | `permit ${number}`;

/**
 * Advisory locks are named by 64 bits per database: the first of a hash, as the signed number that `bigint` is. Two
 * names in one number (once in 2^32 names) only wait for each other without need.
 */
export function advisoryKey(resource: string, kind: KeyKind): string {
  const named = `holdfast\0${kind}\0${resource}`;
  return kind === 'lock' ? lockKey(named) : keyOf(named);
}

function keyOf(named: string): string {
  return createHash('sha256').update(named).digest().readBigInt64BE().toString();
}

const lockKey = memoize(KEYS_KEPT, keyOf);

/** How pg_locks shows a key: two unsigned halves. */
export function halvesOf(key: string): readonly [classid: string, objid: string] {
  const bits = BigInt.asUintN(64, BigInt(key));
  return [(bits >> 32n).toString(), (bits & 0xffffffffn).toString()];
}

/** `compute` of a text, with its results kept; all are dropped once there are `limit` of them. */
export function memoize<T>(limit: number, compute: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    let result = known.get(text);
    if (result === undefined) {
      result = compute(text);
      if (known.size >= limit) known.clear();
      known.set(text, result);
    }
    return result;
  };
}
