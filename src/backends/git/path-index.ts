import { LockError } from '../../core/errors.js';
import { CLAIM_REF_PREFIX, claimIdFault, claimOfRef, isPathClaim, refOfClaim } from './claim-id.js';
import type { ObjectId } from './objects.js';
import { newNonce } from './record.js';

/** The branch that each claim of a path moves along with its own. No id has this name: it is no encoding of one. */
export const PATH_INDEX_REF = `${CLAIM_REF_PREFIX}=paths`;

const SCHEMA = 1;

/** A path that was claimed. Its own branch says whether it still is. */
export interface PathEntry {
  /** The id of the claim, folded; it ends in a slash. */
  readonly id: string;
  /** Of the claim, when it was made: a tip below it is older than the entry. */
  readonly generation: number;
}

/** The index of path claims, as one look showed it. */
export interface PathIndex {
  /** Empty: there is none yet. */
  readonly oid: ObjectId;
  readonly entries: readonly PathEntry[];
}

export const NO_PATH_INDEX: PathIndex = { oid: '', entries: [] };

/** What a push of path claims does to the index: it must still be `expected`, and gets these entries. */
export interface IndexChange {
  readonly expected: ObjectId;
  readonly entries: readonly PathEntry[];
}

/** Whether two paths have a file in common: the one lies in the other. */
export function isOverlapping(a: string, b: string): boolean {
  const [one, other] = [foldedPath(a), foldedPath(b)];
  return one.startsWith(other) || other.startsWith(one);
}

/** Whether a file lies in the path of a claim. */
export function isInPath(file: string, id: string): boolean {
  return (
    isPathClaim(id) && `${file.normalize('NFC').toUpperCase().toLowerCase()}/`.startsWith(foldedPath(id))
  );
}

function foldedPath(id: string): string {
  return claimOfRef(refOfClaim(id)) ?? id;
}

/** A new commit each time, like an event: no state of the index recurs. */
export function encodePathIndex(entries: readonly PathEntry[]): string {
  return `${JSON.stringify({ schema: SCHEMA, index: 'paths', nonce: newNonce(), entries }, undefined, 2)}\n`;
}

/** @throws LockError HOLDFAST_PROTOCOL for an index that this version cannot read: no path can be claimed then. */
export function decodePathIndex(oid: ObjectId, text: string | undefined): PathIndex {
  const value = parsed(text);
  const { schema, entries } = value ?? {};
  if (schema !== SCHEMA || !Array.isArray(entries) || !entries.every(isEntry)) {
    throw new LockError(
      'Could not read the index of path claims: its record is unreadable, or of a newer version. Update holdfast, or delete the branch holdfast/claims/=paths at the remote; the next path claim makes it anew.',
      { code: 'HOLDFAST_PROTOCOL', resource: PATH_INDEX_REF },
    );
  }
  return { oid, entries };
}

function isEntry(value: unknown): value is PathEntry {
  const entry = value as Partial<PathEntry> | null;
  return (
    typeof entry?.id === 'string' &&
    isPathClaim(entry.id) &&
    claimIdFault(entry.id) === undefined &&
    Number.isSafeInteger(entry.generation)
  );
}

function parsed(text: string | undefined): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
