import type { Timer } from '../../core/time.js';
import type { MessageStream } from './channel.js';
import type { EtcdClient } from './client.js';
import { DELETED, NO_PUTS, numberOf, revisionOf, WATCH } from './messages.js';
import { decode, encode, type Message } from './protobuf.js';
import { keyValue, type KeyValue } from './requests.js';
import type { Range } from './keys.js';

/** A member that was asked whether it is there, and has not answered after this time, is left. */
const PROBE_MS = 1_000;
const REOPEN_MS = 50;
const OPEN_MS = 1_500;

export type WatchEvent =
  | { readonly kind: 'put' | 'deleted'; readonly keyValue: KeyValue }
  /** The stream was interrupted, or its past is compacted: events may be missing, so it is time to look. */
  | { readonly kind: 'gap' };

export interface WatchedRange {
  readonly range: Range;
  readonly startRevision: bigint;
  /** Deletions alone. */
  readonly noPuts?: boolean;
  onEvent(event: WatchEvent): void;
}

interface Watcher extends WatchedRange {
  nextRevision: bigint;
}

/**
 * Every watch of this thread on one stream. The stream goes on to the next member when its own is silent or gone, and
 * each watch goes on from the revision it had come to.
 */
export class Watches {
  readonly #client: EtcdClient;
  readonly #watchers = new Map<bigint, Watcher>();
  #lastId = 0n;
  #stream: (MessageStream & { abandon(): void }) | undefined;
  #isOpening = false;
  #isAnswered = true;
  #probe: Timer | undefined;

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /** Until the returned function is called. */
  add(watched: WatchedRange): () => void {
    const id = ++this.#lastId;
    const watcher = { ...watched, nextRevision: watched.startRevision };
    this.#watchers.set(id, watcher);
    if (this.#stream !== undefined) this.#create(this.#stream, id, watcher);
    else void this.#open();
    return () => {
      if (!this.#watchers.delete(id)) return;
      this.#send(this.#stream, { cancel: { watchId: id } });
    };
  }

  close(): void {
    this.#watchers.clear();
    this.#end();
  }

  async #open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      const stream = await this.#client.watch(
        { onMessage: (message) => this.#onMessage(message), onEnd: () => this.#interrupted() },
        OPEN_MS,
      );
      this.#stream = stream;
      this.#isAnswered = true;
      for (const [id, watcher] of this.#watchers) this.#create(stream, id, watcher);
      this.#armProbe();
    } catch {
      this.#reopenSoon();
    } finally {
      this.#isOpening = false;
    }
  }

  #interrupted(): void {
    this.#end();
    this.#gap();
    this.#reopenSoon();
  }

  #end(): void {
    this.#probe?.clear();
    this.#stream?.close();
    this.#stream = undefined;
  }

  #gap(): void {
    for (const watcher of this.#watchers.values()) watcher.onEvent({ kind: 'gap' });
  }

  #reopenSoon(): void {
    const open = (): void => {
      if (this.#stream === undefined && this.#watchers.size > 0) void this.#open().then(() => this.#gap());
    };
    this.#client.clock.setTimer(REOPEN_MS, open, { keepsProcessAlive: false });
  }

  /** A member that is stopped keeps its connections: it is asked now and then. */
  #armProbe(): void {
    this.#probe?.clear();
    const probe = (): void => {
      if (!this.#isAnswered) {
        this.#stream?.abandon();
        return this.#interrupted();
      }
      this.#isAnswered = this.#watchers.size === 0;
      if (!this.#isAnswered) this.#send(this.#stream, { progress: {} });
      this.#armProbe();
    };
    this.#probe = this.#client.clock.setTimer(PROBE_MS, probe, { keepsProcessAlive: false });
  }

  #create(stream: MessageStream, watchId: bigint, { range, noPuts, nextRevision }: Watcher): void {
    const create = {
      key: range.start,
      end: range.end,
      startRevision: nextRevision,
      filters: noPuts === true ? [NO_PUTS] : [],
      watchId,
    };
    this.#send(stream, { create });
  }

  #send(stream: MessageStream | undefined, message: Message): void {
    stream?.send(encode(WATCH.request, message));
  }

  #onMessage(bytes: Buffer): void {
    this.#isAnswered = true;
    const message = decode(WATCH.response, bytes);
    const id = numberOf(message['watchId']);
    const watcher = this.#watchers.get(id);
    if (message['canceled'] === true) return this.#onCanceled(id, watcher, message);
    if (watcher === undefined) return;
    const events = message['events'] as readonly Message[];
    if (events.length > 0) watcher.nextRevision = revisionOf(message) + 1n;
    for (const event of events) {
      const kind = numberOf(event['type']) === DELETED ? 'deleted' : 'put';
      watcher.onEvent({ kind, keyValue: keyValue(event['kv'] as Message) });
    }
  }

  #onCanceled(id: bigint, watcher: Watcher | undefined, message: Message): void {
    if (watcher === undefined) return;
    const compacted = numberOf(message['compactRevision']);
    if (compacted > 0n && this.#stream !== undefined) {
      watcher.nextRevision = compacted;
      watcher.onEvent({ kind: 'gap' });
      return this.#create(this.#stream, id, watcher);
    }
    // Most likely the token: users have changed.
    this.#client.forgetToken();
    this.#interrupted();
  }
}
