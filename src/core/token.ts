/**
 * The fencing token of the next hold: above `last`, and no less than the wall clock in microseconds. So no token comes
 * back when the counter was deleted, restored from a backup or copied, or is reached by another name, as long as clocks
 * are sane. The clock decides nothing else.
 */
export function tokenAfter(last: bigint, wallNowMs: number): bigint {
  const floor = BigInt(Math.floor(wallNowMs * 1_000));
  return last >= floor ? last + 1n : floor;
}
