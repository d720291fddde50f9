import { newHolderId } from '../../core/holder.js';
import type { Renewal } from '../../core/lease.js';
import type { Clock } from '../../core/time.js';
import type { Effect, Outcome } from './effects.js';
import { follow } from './effects.js';
import { beginChange, stepHold, type Base, type HoldResult, type Purpose } from './hold-steps.js';
import { perform } from './perform.js';
import type { Register } from './register.js';

/** Where one's own hold is, for its changes. */
export interface OwnHold {
  readonly register: Register;
  readonly name: string;
  readonly clock: Clock;
}

/** Renews, covers or releases a hold, as far as it is still there. */
export function change(on: OwnHold, base: Base, purpose: Purpose, budgetMs: number): Promise<HoldResult> {
  return follow<Parameters<typeof stepHold>[0], HoldResult, Effect, Outcome>(
    beginChange(base, purpose, newHolderId()),
    stepHold,
    (effect) => perform({ ...on, budgetMs }, effect),
  );
}

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
