import { createHash } from 'node:crypto';

/** What an advisory lock stands for. A resource's lock, the queue for its permits, and each permit are apart. */
export type KeyKind = 'lock' | 'queue' | `permit ${number}`;

/**
 * Advisory locks are named by 64 bits per database: the first of a hash, as the signed number that `bigint` is. Two
 * names in one number (once in 2^32 names) only wait for each other without need.
 */
export function advisoryKey(resource: string, kind: KeyKind): string {
  return createHash('sha256').update(`holdfast\0${kind}\0${resource}`).digest().readBigInt64BE().toString();
}

/** How pg_locks shows a key: two unsigned halves. */
export function halvesOf(key: string): readonly [classid: string, objid: string] {
  const bits = BigInt.asUintN(64, BigInt(key));
  return [(bits >> 32n).toString(), (bits & 0xffffffffn).toString()];
}
