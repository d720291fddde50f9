import { claimOfRef } from './claim-id.js';
import { parseCommit, type ObjectId } from './objects.js';
import type { RawTip } from './plumbing.js';
import { decodeClaimRecord, isHeldEvent, type ClaimRecord } from './record.js';
import type { SignatureState, Signing } from './signing.js';

/** A commit that was, or was about to be, pushed. */
export interface Attempted {
  readonly oid: ObjectId;
  readonly record: ClaimRecord;
  /** Of a hold: that it landed was found out by another command than the one that pushed, which had given up. */
  readonly isLate?: true;
}

/** The state of one claim, as the remote reported it. */
export type Tip = AbsentTip | RecordedTip | BrokenTip;

export interface AbsentTip {
  readonly kind: 'absent';
  readonly ref: string;
  readonly oid: '';
}

export interface RecordedTip {
  readonly kind: 'held' | 'free';
  readonly ref: string;
  readonly oid: ObjectId;
  readonly record: ClaimRecord;
  readonly signature: SignatureState;
}

/** Nothing is concluded from such a tip: neither held nor free. */
export interface BrokenTip {
  readonly kind: 'broken';
  readonly ref: string;
  readonly oid: ObjectId;
  readonly problem: string;
  /** Written by a newer version, to whom it may well be a live claim. */
  readonly isNewer: boolean;
  /** There when only its signature or author is wrong. */
  readonly record: ClaimRecord | undefined;
}

export function absentTip(ref: string): AbsentTip {
  return { kind: 'absent', ref, oid: '' };
}

/** The tip after an event of our own. */
export function landedTip(ref: string, { oid, record }: Attempted): RecordedTip {
  return { kind: isHeldEvent(record.event) ? 'held' : 'free', ref, oid, record, signature: 'unchecked' };
}

/** Understands a tip, trusting nothing in it. */
export async function readTip(ref: string, oid: ObjectId, raw: RawTip, signing: Signing): Promise<Tip> {
  const broken = (problem: string, record?: ClaimRecord, isNewer = false): BrokenTip => {
    return { kind: 'broken', ref, oid, problem, isNewer, record };
  };
  if (claimOfRef(ref) === undefined) return broken('its branch is not named as a claim is');
  if (raw.commit === undefined) return broken('its branch points to something that is no commit');
  if (raw.record === undefined) return broken('its commit has no lock.json');
  const decoded = decodeClaimRecord(ref, raw.record);
  if (decoded.kind === 'broken') return broken(decoded.problem, undefined, decoded.isNewer);
  const { record } = decoded;
  const commit = parseCommit(raw.commit);
  if (commit.authorName !== record.agent) {
    return broken(
      `"${commit.authorName.slice(0, 100)}" published it in the name of "${record.agent}"`,
      record,
    );
  }
  const signature = await signing.check(commit.payload, commit.signature, record.agent);
  if (signing.mode === 'enforce' && signature !== 'good') {
    return broken(
      signature === 'none' ? 'it is not signed' : `its signature is not one of "${record.agent}"`,
      record,
    );
  }
  return { kind: isHeldEvent(record.event) ? 'held' : 'free', ref, oid, record, signature };
}

/** The id as its claimer spelled it, where that is known. */
export function idOf(tip: { readonly ref: string; readonly record?: ClaimRecord | undefined }): string {
  return tip.record?.resource ?? claimOfRef(tip.ref) ?? tip.ref;
}

/** The generation that a tip stands at. 0 when unknown. */
export function generationOf(tip: Tip): number {
  return tip.kind === 'absent' ? 0 : (tip.record?.generation ?? 0);
}
