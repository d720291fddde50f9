import type { HolderInfo } from '../../core/backend.js';
import { decodeHolderNote } from '../../platform/holder-note.js';
import type { ParsedKey } from './keys.js';
import type { KeyValue } from './requests.js';

/** The value of a key that was broken, until its holder cannot believe any more. */
export const REVOKED_VALUE = 'revoked';

/** Everybody whose key exists, in the order of the queue; who of them holds follows from that order alone. */
export function holderInfos(keys: readonly (readonly [ParsedKey, KeyValue])[]): readonly HolderInfo[] {
  let hasExclusive = false;
  let hasShared = false;
  let permitsOut = 0;
  return keys.map(([{ kind, holderId, permits }, { value, createRevision }]) => {
    let isHolder: boolean;
    if (kind === 'p') isHolder = permitsOut++ < (permits ?? 1);
    else if (kind === 's') isHolder = !hasExclusive;
    else isHolder = !hasExclusive && !hasShared;
    hasExclusive ||= kind === 'x';
    hasShared ||= kind === 's';
    const isRevoked = value === REVOKED_VALUE;
    return {
      state: isHolder ? 'holder' : 'waiter',
      mode: kind === 's' ? 'shared' : 'exclusive',
      ...(isHolder && { fencingToken: createRevision }),
      ...(isRevoked
        ? { note: 'broken by force; free once its lease has run out' }
        : { holderId, ...decodeHolderNote(value) }),
    };
  });
}
