import type { LockError } from '../../core/errors.js';
import type { Attempted, Tip } from './tip.js';

/** What became of one change. */
export type Outcome =
  /** The remote has it. */
  | { readonly kind: 'landed'; readonly attempted: Attempted }
  /** Another event is the tip, perhaps an earlier one of this clone: this change did not land and never will. */
  | { readonly kind: 'moved'; readonly tip: Tip }
  /** Not published, because another change of the group could not be. */
  | { readonly kind: 'skipped' }
  /** It may have landed, or may land yet, or an earlier one of this clone may: the journal keeps it. */
  | { readonly kind: 'unconfirmed'; readonly cause: string }
  /** Not published, and it never will be. */
  | { readonly kind: 'failed'; readonly error: LockError };

/** The cause of an _unconfirmed_ after a push that had no answer. */
export const MAY_LAND_YET = 'an earlier push of ours may still reach it';
