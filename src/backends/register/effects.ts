import type { Body } from './body.js';
import type { LeaseRecord } from './record.js';
import type { Reading, Version, Written } from './register.js';

/** One thing to do. The steps decide it; the backend, the keeper's worker and the search of the tests do it. */
export type Effect =
  | { readonly kind: 'read' }
  /** Replaces the value of `version`, or makes the first where that is undefined. */
  | { readonly kind: 'write'; readonly body: Body; readonly version: Version | undefined }
  /** Remember since when this host has seen `version`; `at` is what to remember if this is the first time. */
  | { readonly kind: 'sight'; readonly version: Version; readonly at: number }
  /** Is every process of this record proven dead? */
  | { readonly kind: 'examine'; readonly record: LeaseRecord | undefined }
  | { readonly kind: 'pause' };

/** How it went. `failed`: the store could not be asked, or refused for good; nothing of ours was changed by it. */
export type Outcome =
  | { readonly kind: 'read'; readonly reading: Reading }
  | { readonly kind: 'written'; readonly written: Written }
  | { readonly kind: 'sighted'; readonly since: number }
  | { readonly kind: 'examined'; readonly isDead: boolean }
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly error: unknown };

/** A step leads to an effect and the state in which to take up its outcome, or to the end. */
export type AnyStep<State, Result, Effect> =
  { readonly state: State; readonly effect: Effect } | { readonly result: Result };

/** Runs steps to their end. `act` never rejects: what failed is for the next step to judge. */
export async function follow<State, Result, Effect, Outcome>(
  first: AnyStep<State, Result, Effect>,
  next: (state: State, outcome: Outcome) => AnyStep<State, Result, Effect>,
  act: (effect: Effect) => Promise<Outcome>,
): Promise<Result> {
  let step = first;
  while ('effect' in step) {
    step = next(step.state, await act(step.effect));
  }
  return step.result;
}

export type Step<State, Result> = AnyStep<State, Result, Effect>;
