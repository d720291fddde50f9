import type { Renewal } from '../../core/lease.js';
import { systemError, errnoOf } from '../../core/system-error.js';
import { follow } from '../register/effects.js';
import { openDirectorySync } from './directory.js';
import type { Effect, Outcome } from './effects.js';
import {
  beginClearance,
  beginRelease,
  beginRenewal,
  stepHold,
  type HoldResult,
  type HoldStep,
} from './hold-steps.js';
import { parseState } from './names.js';
import { perform } from './perform.js';

/** Handed to the keeper's worker. */
export interface LeaseRenewalState {
  readonly path: string;
  /** The state file's name as claimed. */
  readonly name: string;
}

/** The renewal module of lease locks; see `core/lease`. */
export function openRenewal(state: unknown): Renewal {
  const { path, name } = state as LeaseRenewalState;
  const claimed = parseState(name);
  if (claimed?.kind !== 'held') throw new TypeError(`not the name of a hold: ${name}`);
  const directory = openDirectorySync(path);
  let base = claimed;

  // The steps of a hold ask for nothing that needs more than the directory.
  const act = (effect: Effect): Promise<Outcome> =>
    perform(directory, effect as Parameters<typeof perform>[1]);
  const run = (first: HoldStep): Promise<HoldResult> => follow(first, stepHold, act);

  return {
    renew: async () => {
      const result = await run(beginRenewal(base));
      if (result.kind !== 'renewal') return 'again';
      base = result.base;
      return result.outcome;
    },
    release: async (isLost) => {
      const result = await run(isLost ? beginClearance(base) : beginRelease(base));
      if (result.kind !== 'stuck') return;
      throw systemError('release', path, errnoOf(result.error) ?? 'EIO', result.error);
    },
  };
}
