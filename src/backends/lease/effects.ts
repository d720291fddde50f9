import type { AnyStep } from '../register/effects.js';

/**
 * One thing to do to the directory. The steps decide it, a driver does it: the backend and the keeper's worker on a
 * real directory, the search in the tests on a model of one.
 */
export type Effect =
  | { readonly kind: 'list' }
  /** Remember since when this host has seen `name`; `at` is what to remember if this is the first time. */
  | { readonly kind: 'sight'; readonly name: string; readonly at: number }
  /** Is every process of this holder proven dead? */
  | { readonly kind: 'examine'; readonly holderId: string }
  | { readonly kind: 'write-record' }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string }
  /** Create and remove a file: a change of its own makes the client drop a cached listing. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'sync' }
  | { readonly kind: 'unlink'; readonly name: string }
  | { readonly kind: 'pause' };

/** How it went. A failure never says that nothing happened. */
export type Outcome =
  | { readonly kind: 'done' }
  | { readonly kind: 'listed'; readonly names: readonly string[] }
  | { readonly kind: 'sighted'; readonly since: number }
  | { readonly kind: 'examined'; readonly isDead: boolean }
  | { readonly kind: 'failed'; readonly error: unknown };

export type Step<State, Result> = AnyStep<State, Result, Effect>;
