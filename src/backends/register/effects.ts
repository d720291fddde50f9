import type { Body } from './body.js';
import type { Step as AnyStep } from './follow.js';
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

export type Step<State, Result> = AnyStep<State, Result, Effect>;
