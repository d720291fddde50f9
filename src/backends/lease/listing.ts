import {
  compareStates,
  formatState,
  holderOfRecord,
  isStateLike,
  parseState,
  type LeaseState,
} from './names.js';

/** One reading of a lease directory. It may be arbitrarily old: it only shows what to try. */
export type Listing =
  | {
      readonly kind: 'state';
      readonly name: string;
      readonly state: LeaseState;
      /** Left by a restored backup or a rename that was not atomic. They decide nothing. */
      readonly lowerNames: readonly string[];
    }
  | { readonly kind: 'unreadable'; readonly name: string }
  | { readonly kind: 'absent'; readonly hasRecords: boolean };

export function readListing(names: readonly string[]): Listing {
  const states: LeaseState[] = [];
  for (const name of names) {
    if (!isStateLike(name)) continue;
    const state = parseState(name);
    if (state === undefined) return { kind: 'unreadable', name };
    states.push(state);
  }
  states.sort(compareStates);
  const state = states.pop();
  if (state === undefined) {
    return { kind: 'absent', hasRecords: names.some((name) => holderOfRecord(name) !== undefined) };
  }
  return { kind: 'state', name: formatState(state), state, lowerNames: states.map(formatState) };
}

/** A state of this or of any other version, which may look different from here on. */
const ANY_STATE = /^s\.\d+(?:\.|$)/;

/** Whether these are the names in a lease directory, of whatever version: then its path must not be flocked. */
export function isLeaseListing(names: readonly string[]): boolean {
  return names.some((name) => ANY_STATE.test(name));
}
