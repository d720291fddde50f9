import type { Claim } from './session.js';

/**
 * `claimed`: the remote has confirmed it. `already-held`: this agent had claimed it in this clone, confirmed at the remote,
 * nothing was published. `contended`: it is held elsewhere, if only by the same agent in another clone. `lost`: this
 * clone believed to have it, and another agent has. `unconfirmed`: the remote could not be asked, and an earlier or
 * this claim may stand. `not-taken`: nothing was published because another of the ids could not be had. `done`: of several of
 * which any is wanted, it was released as done.
 */
export type ClaimOutcome =
  'claimed' | 'already-held' | 'contended' | 'lost' | 'unconfirmed' | 'not-taken' | 'done';

/** Outcome for one id. */
export interface ClaimItem {
  /** The id. */
  readonly id: string;
  /** What happened. */
  readonly outcome: ClaimOutcome;
  /** What the remote has: one's own claim, or the winner's. */
  readonly claim?: Claim;
  /** Why there is no answer of the remote. */
  readonly cause?: string;
}

/** What {@link claim} resolves with. */
export interface ClaimResult {
  /** The worst of the items; of any of several: of the one that was taken, or why none was. */
  readonly outcome: Exclude<ClaimOutcome, 'not-taken'>;
  /** One entry per id, in the order of the call. */
  readonly items: readonly ClaimItem[];
}
