import { newHolderId } from '../../core/holder.js';
import type { Clock } from '../../core/time.js';
import type { Effect, Outcome } from './effects.js';
import { follow } from './follow.js';
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
