import { LockError } from '../../core/errors.js';
import { tokenAfter } from '../../core/token.js';
import { hostname } from '../../platform/identity.js';
import type { ObjectId } from './objects.js';
import { newNonce, RECORD_SCHEMA, type ClaimRecord, type RecordedProcess } from './record.js';
import { generationOf, type RecordedTip, type Tip } from './tip.js';

/** The agent that takes a claim, and what its record contains. */
export interface Taker {
  readonly agent: string;
  readonly holderId: string;
  readonly staleAfterMs: number;
  readonly branch?: string | undefined;
  readonly reason?: string | undefined;
  readonly base?: string | undefined;
  /** The head commit of `branch` in this clone. */
  readonly head?: string | undefined;
  readonly process?: RecordedProcess | undefined;
}

/** One event to be published. */
export interface Change {
  readonly ref: string;
  /** The tip it follows; empty: the branch must not exist. */
  readonly expected: ObjectId;
  readonly record: ClaimRecord;
}

/** What a claim is built upon: a tip that is free. */
export interface FreeTip {
  readonly oid: ObjectId;
  readonly generation: number;
}

/** What the first claim of an id is built upon. */
export const NO_TIP: FreeTip = { oid: '', generation: 0 };

export function claimedChange(id: string, ref: string, free: FreeTip, taker: Taker, wallMs: number): Change {
  const generation = generationAfter(id, free.generation, wallMs);
  return { ref, expected: free.oid, record: takenRecord(id, 'claimed', generation, taker, wallMs) };
}

/** Takes a held claim over. Its branch and base go on, unless the taker names others: the work is the same. */
export function stolenChange(id: string, tip: RecordedTip, taker: Taker, wallMs: number): Change {
  const { agent, holderId, generation, branch, base } = tip.record;
  const heir = { ...taker, branch: taker.branch ?? branch, base: taker.base ?? base };
  const record = takenRecord(id, 'stolen', generationAfter(id, generation, wallMs), heir, wallMs);
  return { ref: tip.ref, expected: tip.oid, record: { ...record, previous: { agent, holderId } } };
}

/** See {@link tokenAfter}. Others may have published the highest that there is: what follows it could not be read. */
function generationAfter(id: string, generation: number, wallMs: number): number {
  if (generation < Number.MAX_SAFE_INTEGER) return Number(tokenAfter(BigInt(generation), wallMs));
  throw new LockError(
    `Could not claim "${id}": its generation cannot rise any more. Delete its branch at the remote.`,
    { code: 'HOLDFAST_PROTOCOL', resource: id },
  );
}

/** What an event says beyond that the hold goes on or ends. */
export interface News {
  /** The revision at which it is left. */
  readonly base?: string | undefined;
  readonly note?: string | undefined;
  /** Of a release. */
  readonly isDone?: boolean | undefined;
  /** The head commit of the claim's branch in this clone. */
  readonly head?: string | undefined;
}

/** The same hold goes on, or ends; everything else about it stays. */
export function continuedChange(
  hold: { readonly ref: string; readonly oid: ObjectId; readonly record: ClaimRecord },
  event: 'renewed' | 'noted' | 'released',
  wallMs: number,
  news: News = {},
): Change {
  const { previous: _, ...rest } = hold.record;
  const at = new Date(wallMs).toISOString();
  const record = { ...rest, event, nonce: newNonce(), at, ...progressIn(hold.record, news, at) };
  const { base, isDone } = news;
  const more = { ...(base !== undefined && { base }), ...(isDone === true && { isDone }) };
  return { ref: hold.ref, expected: hold.oid, record: { ...record, ...more } };
}

function progressIn({ head: known }: ClaimRecord, { note, head }: News, at: string): Partial<ClaimRecord> {
  const seen = head === undefined ? {} : { head };
  if (note !== undefined) return { ...seen, note, progressAt: at, progressBy: 'note' };
  if (head === undefined || head === known) return {};
  return { ...seen, progressAt: at, progressBy: 'commit' };
}

/** Ends whatever is at the head commit, broken records included, and records by whom and why. */
export function forcedChange(
  id: string,
  tip: Tip,
  by: { readonly agent: string; readonly holderId: string; readonly reason: string },
  wallMs: number,
): Change {
  const known = tip.kind === 'absent' ? undefined : tip.record;
  const generation = generationOf(tip) || generationAfter(id, 0, wallMs);
  const record = takenRecord(
    id,
    'forced',
    generation,
    { ...by, staleAfterMs: known?.staleAfterMs ?? 0 },
    wallMs,
  );
  const previous = known === undefined ? {} : { previous: { agent: known.agent, holderId: known.holderId } };
  return { ref: tip.ref, expected: tip.oid, record: { ...record, ...previous } };
}

function takenRecord(
  id: string,
  event: ClaimRecord['event'],
  generation: number,
  taker: Taker,
  wallMs: number,
): ClaimRecord {
  const { branch, reason, base, head, process } = taker;
  const at = new Date(wallMs).toISOString();
  return {
    schema: RECORD_SCHEMA,
    resource: id,
    event,
    agent: taker.agent,
    generation,
    holderId: taker.holderId,
    nonce: newNonce(),
    staleAfterMs: taker.staleAfterMs,
    ...(branch !== undefined && { branch }),
    ...(reason !== undefined && { reason }),
    ...(base !== undefined && { base }),
    ...(head !== undefined && { head }),
    ...(process !== undefined && { process }),
    host: hostname(),
    sinceAt: at,
    at,
  };
}
