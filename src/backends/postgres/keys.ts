import { createHash } from 'node:crypto';

import { remembering } from '../../core/remembering.js';

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

const lockKey = remembering(KEYS_KEPT, keyOf);

/** How pg_locks shows a key: two unsigned halves. */
export function halvesOf(key: string): readonly [classid: string, objid: string] {
  const bits = BigInt.asUintN(64, BigInt(key));
  return [(bits >> 32n).toString(), (bits & 0xffffffffn).toString()];
}
