import { LockError } from '../../core/errors.js';
import type { ClaimStore } from './claim-store.js';
import { continuedChange } from './events.js';
import type { Outcome } from './outcome.js';
import { pushUpdates } from './push.js';
import { isHeldEvent } from './record.js';
import type { Attempted } from './tip.js';

/**
 * The first event that lands at an arbiter whose claims are read elsewhere: it is believed once it has been read there.
 * Else it is released again, so that two agents never both get the claim. Changes `outcomes`.
 */
export async function proveLanded(store: ClaimStore, outcomes: Map<string, Outcome>): Promise<void> {
  const landed = [...outcomes].flatMap(([ref, outcome]) =>
    outcome.kind === 'landed' ? [{ ref, ...outcome.attempted }] : [],
  );
  if (landed.length === 0) return;
  try {
    const look = await store.look(landed.map(({ record }) => record.resource));
    if (look.kind === 'unreachable') {
      for (const { ref } of landed) outcomes.set(ref, { kind: 'unconfirmed', cause: look.cause });
      return;
    }
    if (landed.every(({ ref, oid }) => look.tips.get(ref)?.oid === oid)) return store.prove();
    throw store.apart(landed.map(({ record }) => record.resource));
  } catch (error) {
    if (!(error instanceof LockError)) throw error;
    await takeBack(store, landed);
    for (const { ref } of landed) outcomes.set(ref, { kind: 'failed', error });
  }
}

async function takeBack(
  store: ClaimStore,
  landed: readonly (Attempted & { readonly ref: string })[],
): Promise<void> {
  const { git, url, deadline, journal } = store;
  const held = landed.filter(({ record }) => isHeldEvent(record.event));
  const updates = [];
  for (const hold of held) {
    const { record, expected, ref } = continuedChange(hold, 'released', git.clock.wallNow());
    updates.push({ ref, expected, oid: await store.writer.event(ref, record, expected) });
    journal.ended(ref, record.holderId);
    store.note(ref, '');
  }
  if (updates.length > 0)
    await pushUpdates(git, updates, { url, isAtomic: false, timeoutMs: deadline.leftMs(), deadline });
}
