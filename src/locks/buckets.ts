import { parseAddress } from '../core/address.js';
import { systemClock } from '../platform/clock.js';

/** What was found out about a store. */
export interface BucketProof {
  /** Its tags are sent without quotes. */
  readonly isUnquoted: boolean;
  /** It was proven within the last 24 hours, and was not asked again. */
  readonly isRemembered: boolean;
}

/**
 * Proves that the store of an `s3://` address honours conditions, as the first claim there does.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when it ignores them; BACKEND_UNAVAILABLE, PERMISSION when it cannot be asked.
 */
export async function proveBucket(address: string): Promise<BucketProof> {
  const { openBucket, provenBucket } = await import('../backends/s3/index.js');
  return provenBucket(openBucket(parseAddress(address).target, systemClock), systemClock);
}
