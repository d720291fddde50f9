import {
  idOf,
  isHeldEvent,
  refOfClaim,
  type ClaimRecord,
  type ClaimStore,
  type RecordedTip,
  type SignatureState,
} from '../backends/git/index.js';
import type { Session } from './session.js';

/** A claim that somebody has, as the remote said it. */
export interface Claim {
  readonly id: string;
  readonly agent: string;
  readonly holderId: string;
  /** The fencing token: it rises with every claim and steal. */
  readonly generation: bigint;
  /** Wall clock of the claimer, ISO 8601, for display. */
  readonly sinceAt: string;
  readonly renewedAt: string;
  readonly host?: string;
  readonly branch?: string;
  readonly reason?: string;
  readonly base?: string;
  /** Claimed by this agent in this clone. */
  readonly isMine: boolean;
  /** Claimed by an agent of the same name in another clone. */
  readonly isElsewhere: boolean;
  /**
   * Seen unchanged from this clone for as long as it takes. That the process of a `holdfast run` is dead is no proof:
   * its command may live on.
   */
  readonly isStale: boolean;
  /** Milliseconds for which this clone has seen this very state. */
  readonly unchangedMs: number;
  /** Milliseconds it must stay unchanged to be stale. */
  readonly staleAfterMs: number;
  readonly signature: SignatureState;
}

export function claimOf(store: ClaimStore, session: Session, tip: RecordedTip): Claim {
  const { record } = tip;
  const isMine = isOwn(store, session.agent, tip);
  const staleAfterMs = Math.max(session.staleAfterMs, record.staleAfterMs);
  const unchangedMs = store.sightings.unchangedMs(tip.ref, tip.oid);
  return {
    id: idOf(tip),
    agent: record.agent,
    holderId: record.holderId,
    generation: BigInt(record.generation),
    sinceAt: record.sinceAt,
    renewedAt: record.at,
    ...(record.host !== undefined && { host: record.host }),
    ...(record.branch !== undefined && { branch: record.branch }),
    ...(record.reason !== undefined && { reason: record.reason }),
    ...(record.base !== undefined && { base: record.base }),
    isMine,
    isElsewhere: !isMine && record.agent === session.agent,
    isStale: unchangedMs >= staleAfterMs,
    unchangedMs,
    staleAfterMs,
    signature: tip.signature,
  };
}

/** Of this agent, and its holder id is in this clone's journal. */
export function isOwn(store: ClaimStore, agent: string, tip: RecordedTip): boolean {
  return tip.record.agent === agent && store.journal.held(tip.ref, tip.record.holderId) !== undefined;
}

/** Holder ids of holds that this agent had in this clone and that are no longer the tip. */
export function lostHolds(
  store: ClaimStore,
  agent: string,
  id: string,
  currentHolderId: string | undefined,
): string[] {
  return store.journal
    .allHeld(refOfClaim(id))
    .filter(({ record }) => record.agent === agent && record.holderId !== currentHolderId)
    .map(({ record }) => record.holderId);
}

/** What this agent tried to make of a claim, when nobody knows yet whether it has it. */
export function comingClaim(store: ClaimStore, agent: string, id: string): ClaimRecord | undefined {
  return store.journal
    .pending(refOfClaim(id))
    ?.tries.map(({ record }) => record)
    .findLast((record) => record.agent === agent && isHeldEvent(record.event));
}
