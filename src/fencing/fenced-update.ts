import { LockError, LockLostError } from '../core/errors.js';

/** What became of a write. `stale`: a holder with a higher token has written. `missing`: there is nothing to write to. */
export type FencedWrite = 'written' | 'stale' | 'missing';

/**
 * A resource that compares a fencing token and writes in one step. Only such a resource is protected by tokens: a check
 * that comes before the write leaves a gap in which the lock can change hands.
 */
export interface FencedStore<Change> {
  /** For messages. */
  readonly name: string;
  /**
   * Writes unless a higher token has written before, and remembers `token` with the change. The same token may
   * write again and again: it belongs to one hold, so no other holder can have it.
   *
   * @throws what the store's client throws.
   */
  write(token: bigint, change: Change): Promise<FencedWrite>;
}

/** As much of a Guard as is needed here. */
export interface TokenHolder {
  /** The lock, for messages. */
  readonly address: string;
  /** Its fencing token; undefined throws in {@link fencedUpdate}. */
  readonly fencingToken: bigint | undefined;
  /**
   * Throws when the hold is lost.
   *
   * @throws LockError HOLDFAST_LOST.
   */
  assertHeld(): void;
}

/**
 * Writes `change` under the fencing token of `guard`: refused by the resource itself once a later holder has written.
 * What a later holder has only read is not protected by this.
 *
 * @throws LockError HOLDFAST_LOST when the hold is lost, or a later holder has written; HOLDFAST_UNSUPPORTED when the
 *   guard has no token; HOLDFAST_IO when there is nothing to update. What the store throws goes through.
 * @example
 * const account = sqlRow(pool, { table: 'account', key: { id: 7 } });
 * await withLock('etcd://db:2379#account-7', async (guard) => {
 *   await fencedUpdate(guard, account, { balance: 12 });
 * });
 */
export async function fencedUpdate<Change>(
  guard: TokenHolder,
  store: FencedStore<Change>,
  change: Change,
): Promise<void> {
  const { address, fencingToken } = guard;
  if (fencingToken === undefined) {
    throw new LockError(
      `Could not fence a write to "${store.name}": the lock "${address}" gave no token. Ask for one with fencing: true, or use a lock that has tokens.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: address },
    );
  }
  // Spares the resource a write that is known to be late. Only the resource itself can refuse one that is not.
  guard.assertHeld();
  const outcome = await store.write(fencingToken, change);
  if (outcome === 'stale') {
    throw new LockLostError(
      `Could not write "${store.name}" under "${address}": a later holder of the lock has written it. Start over from what is there now.`,
      { resource: address, lossReason: 'taken' },
    );
  }
  if (outcome === 'missing') {
    throw new LockError(`Could not write "${store.name}": it does not exist. Create it first.`, {
      code: 'HOLDFAST_IO',
      resource: address,
    });
  }
}
