import { checkOptions } from '../core/check-options.js';
import { continueHolds, type ContinuedItem } from './renew.js';
import { CLAIMS_OPTIONS, idList, inSession, oneLine, type ClaimsOptions } from './session.js';

/** Outcome of a note. */
export interface NoteItem extends ContinuedItem {
  /** What happened. */
  readonly outcome: 'noted' | 'lost' | 'not-held' | 'unconfirmed' | 'failed';
}

/**
 * Publishes how far this agent is with a claim: progress for the others to see, and a sign of life.
 *
 * @param text one line of at most 1000 characters.
 * @throws as `claim` does; TypeError for another text.
 */
export async function note(id: string, text: string, options: ClaimsOptions = {}): Promise<NoteItem> {
  checkOptions(options, CLAIMS_OPTIONS);
  const list = idList(id);
  const line = oneLine('The note', text);
  if (line === undefined) throw new TypeError('A note needs a text.');
  return inSession(options, async (session) => {
    const [item] = await continueHolds(session, list, line);
    return item as NoteItem;
  });
}
