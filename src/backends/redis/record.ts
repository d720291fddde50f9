import type { HolderInfo } from '../../core/backend.js';
import { LockError } from '../../core/errors.js';
import { decodeHolderNote } from '../../platform/holder-note.js';

/** Stands where a holder id does after a break that lets the holder's time run out. Never the id of anybody. */
export const REVOKED_HOLDER = '-'.repeat(26);

const RECORD = /^([a-z2-7]{26}|-{26}) (\d+)\n(.*)$/s;

/** The holder in the value of a lock key. @throws LockError HOLDFAST_PROTOCOL when it was not written by us. */
export function decodeRecord(text: string, resource: string): HolderInfo {
  const [, holderId, token, note] = RECORD.exec(text) ?? [];
  if (holderId === undefined || token === undefined || note === undefined) {
    throw new LockError(
      `Could not read the lock of "${resource}": its key holds something that Holdfast did not write. Use another name, or delete the key if nothing uses it.`,
      { code: 'HOLDFAST_PROTOCOL', resource },
    );
  }
  const holder = { state: 'holder', mode: 'exclusive', fencingToken: BigInt(token) } as const;
  if (holderId === REVOKED_HOLDER)
    return { ...holder, note: 'broken by force; free once its lease has run out' };
  return { ...holder, holderId, ...decodeHolderNote(note) };
}
