import type { Claim } from '../claims/index.js';
import type { HolderInfo } from '../core/backend.js';
import type { Inspection } from '../locks/inspect.js';

// How the things of Holdfast look in JSON; schemas/ describes it. A fencing token is `token` everywhere.

export function holderJson({ fencingToken, ...holder }: HolderInfo): object {
  return fencingToken === undefined ? holder : { ...holder, token: fencingToken };
}

export function inspectionJson({ holders, waiters, ...inspection }: Inspection): object {
  return { ...inspection, holders: holders.map(holderJson), waiters: waiters.map(holderJson) };
}

export function claimJson({ generation, ...claim }: Claim): object {
  return { ...claim, token: generation };
}

/** The same for a result that may carry a claim. */
export function withClaimJson<T extends { readonly claim?: Claim }>({ claim, ...result }: T): object {
  return claim === undefined ? result : { ...result, claim: claimJson(claim) };
}
