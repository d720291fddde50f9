import type { Clock } from '../../core/time.js';
import { hostname } from '../../platform/identity.js';
import { lastValue, type GitConfigEntry } from './configuration.js';
import {
  commitText,
  withSignature,
  writeObject,
  writeTree,
  type ObjectId,
  type ObjectStore,
} from './objects.js';
import { encodePathIndex, type IndexChange } from './path-index.js';
import { encodeClaimRecord, RECORD_FILE, subjectOf, type ClaimRecord } from './record.js';
import type { Signing } from './signing.js';

/** Writes commits into the store, each with one file. */
export class EventWriter {
  readonly #objects: ObjectStore;
  readonly #signing: Signing;
  readonly #entries: readonly GitConfigEntry[];
  readonly #clock: Clock;

  constructor(objects: ObjectStore, signing: Signing, entries: readonly GitConfigEntry[], clock: Clock) {
    this.#objects = objects;
    this.#signing = signing;
    this.#entries = entries;
    this.#clock = clock;
  }

  /** The commit of an event; returns its id. @throws LockError HOLDFAST_PROTOCOL when no reader would take it. */
  async event(ref: string, record: ClaimRecord, parent: ObjectId): Promise<ObjectId> {
    const by = { agent: record.agent, message: subjectOf(record) };
    return this.#commit(encodeClaimRecord(ref, record), by, parent);
  }

  /** A commit of the index of path claims. */
  async pathIndex({ expected, entries }: IndexChange, agent: string): Promise<ObjectId> {
    const by = { agent, message: 'holdfast: index of path claims [skip ci]' };
    return this.#commit(encodePathIndex(entries), by, expected);
  }

  async #commit(
    content: string,
    { agent, message }: { readonly agent: string; readonly message: string },
    parent: ObjectId,
  ): Promise<ObjectId> {
    const objects = this.#objects;
    const blob = writeObject(objects, 'blob', Buffer.from(content));
    const email = lastValue(this.#entries, 'user.email') ?? `holdfast@${hostname()}`;
    const committer = lastValue(this.#entries, 'user.name') ?? agent;
    const text = commitText({
      tree: writeTree(objects, RECORD_FILE, blob),
      parent: parent === '' ? undefined : parent,
      author: `${agent} <${cleaned(email)}>`,
      committer: `${cleaned(committer)} <${cleaned(email)}>`,
      atSeconds: Math.floor(this.#clock.wallNow() / 1000),
      message,
    });
    const signature = await this.#signing.sign(text);
    const whole = signature === undefined ? text : withSignature(text, signature, objects.format);
    return writeObject(objects, 'commit', Buffer.from(whole));
  }
}

/** What git removes from names and addresses of people; see ident.c. */
function cleaned(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f<>]/g, '').trim() || 'holdfast';
}
