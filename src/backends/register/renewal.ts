import type { Renewal } from '../../core/lease.js';
import { change, type OwnHold } from './change.js';
import type { Base } from './hold-steps.js';

/** Plain JSON, for the keeper's worker. */
export interface RenewalState {
  readonly name: string;
  readonly generation: string;
  readonly state: Base['state'];
  readonly version: string;
}

/** One of several requests that a renewal may need before the lease is in danger. */
const REQUEST_PART = 1 / 6;
const REQUEST_LEAST_MS = 250;

/** Renews a hold wherever it runs: in the keeper's worker, or on the loop of a caller's own client. */
export function renewalOf(on: OwnHold, first: Base): Renewal {
  let base = first;
  return {
    renew: async (remainingMs) => {
      const budgetMs = Math.min(remainingMs, Math.max(REQUEST_LEAST_MS, base.state.leaseMs * REQUEST_PART));
      const result = await change(on, base, { kind: 'renew' }, budgetMs);
      if (result.kind !== 'renewal') return 'again';
      base = result.base;
      if (result.outcome === 'again' && result.error !== undefined) throw result.error;
      return result.outcome;
    },
    // The owner's thread releases: a renewal that is carried out after that changes nothing.
    release: () => Promise.resolve(),
  };
}

export function renewalState(name: string, { generation, state, version }: Base): RenewalState {
  return { name, generation: String(generation), state, version };
}

export function baseOf({ generation, state, version }: RenewalState): Base {
  return { generation: BigInt(generation), state, version };
}
