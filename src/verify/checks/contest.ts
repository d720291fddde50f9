import { sleep } from '../../platform/clock.js';
import type { Contact } from '../contact.js';
import type { Asked } from '../party-locks.js';
import type { CheckContext } from './context.js';

export interface Contest {
  /** Holds that were acquired and released, by all. */
  readonly holds: number;
  /** Times at which two were inside and both believed in it. */
  readonly overlaps: number;
  /** Each party got in at least once. */
  readonly isShared: boolean;
  /** Tokens came in the order of the holds. */
  readonly hasOrder: boolean;
  readonly failures: readonly string[];
}

const HOLD_MS = 2;

/**
 * All take the lock again and again. No clock is compared: a party that holds says so and stays inside until it is ordered
 * to leave, so two that have said it and were not yet ordered to leave are inside together.
 */
export async function contest(
  { clock }: CheckContext,
  parties: readonly Contact[],
  take: (party: Contact) => Promise<Asked>,
  giveBack: (party: Contact) => Promise<unknown>,
  believes: (party: Contact) => Promise<boolean>,
  limit: { readonly rounds: number; readonly withinMs: number },
): Promise<Contest> {
  const until = clock.now() + limit.withinMs;
  const inside = new Set<Contact>();
  const failures = new Set<string>();
  const holds = new Map<Contact, number>();
  let overlaps = 0;
  let lastToken = 0n;
  let hasOrder = true;

  const visit = async (party: Contact): Promise<void> => {
    const asked = await take(party);
    if (asked.kind === 'failed') failures.add(asked.fact);
    if (asked.kind !== 'held') return;
    const others = [...inside];
    inside.add(party);
    const token = BigInt(asked.token ?? lastToken + 1n);
    if (token <= lastToken) hasOrder = false;
    lastToken = token;
    if (others.length > 0) {
      const beliefs = await Promise.all([party, ...others].map(believes));
      if (beliefs.every(Boolean)) overlaps++;
    }
    await sleep(HOLD_MS);
    inside.delete(party);
    holds.set(party, (holds.get(party) ?? 0) + 1);
    await giveBack(party);
  };
  const compete = async (party: Contact): Promise<void> => {
    for (let round = 0; round < limit.rounds && clock.now() < until && failures.size < 3; round++) {
      await visit(party);
    }
  };
  await Promise.all(parties.map(compete));
  return {
    holds: [...holds.values()].reduce((sum, count) => sum + count, 0),
    overlaps,
    isShared: parties.every((party) => holds.has(party)),
    hasOrder,
    failures: [...failures],
  };
}
