import type { Clock } from '../../core/time.js';
import type { Contact } from '../contact.js';

/** What every check works with. */
export interface CheckContext {
  readonly here: Contact;
  readonly there: Contact;
  /** Another process where `here` is. */
  readonly sibling: Contact;
  readonly clock: Clock;
  readonly rounds: number;
  readonly leaseMs: number;
}

/** How long a change may take to be seen by the other party before that counts as never. */
export const PATIENCE_MS = 10_000;
