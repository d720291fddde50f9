import { endClaim, otherLimit, type Claim, type Standing } from './claim.js';
import type { EtcdContext } from './context.js';
import { permitsError } from './errors.js';

/** @throws LockError HOLDFAST_CONFIG_MISMATCH, with the claim taken back, where others count with another number. */
export async function assertSameLimit(
  { display, gateway }: EtcdContext,
  claim: Claim,
  standing: Standing,
  budgetMs: number,
): Promise<void> {
  const other = otherLimit(claim, standing.kind === 'absent' ? [] : (standing.rivals ?? []));
  if (other === undefined) return;
  await endClaim(gateway, claim.key, budgetMs);
  throw permitsError(`${display}#${claim.resource}`, claim.permits ?? 1, other);
}
