import { createHash } from 'node:crypto';
import { join } from 'node:path';

import { isSame } from '../core/holder.js';
import { bootId, timeNamespace } from './identity.js';
import { leaseClock } from './lease-clock.js';
import { stateDirectory } from './user-directories.js';

/** The clock of the times in a table. On another boot, or in another time namespace, they mean nothing. */
export interface Timeline {
  readonly bootId: string | undefined;
  readonly timeNamespace: number | undefined;
  /** Milliseconds since boot, suspend included. */
  now(): number;
}

/** The timeline of this host. */
export const ownTimeline: Timeline = {
  get bootId() {
    return bootId();
  },
  get timeNamespace() {
    return timeNamespace();
  },
  now: () => leaseClock.now(),
};

const FORMAT = 1;

/** A value that was seen on another timeline: the key is known, the value and its time are not. */
const FORGOTTEN = '?';

type Times = Map<string, number>;

/**
 * Since when this host has seen a value under a key: the state name of a lease, the head commit of a claim. Staleness
 * is judged by it and by this machine's own clock, never by a date in a record.
 *
 * The table does no I/O: its user reads and writes {@link text}, so that one-shot commands build on the ones before.
 * A file that is lost, torn, newer or of another timeline costs waiting, never exclusion.
 */
export class FirstSeen {
  readonly #timeline: Timeline;
  readonly #valuesKept: number;
  readonly #seen: Map<string, Times>;
  #isChanged = false;

  /**
   * @param text what an earlier table left; its file must belong to a trusted owner.
   * @param valuesKept how many values of one key are remembered. More than one only where values never recur.
   */
  constructor(timeline: Timeline, text: string | undefined, valuesKept = 1) {
    this.#timeline = timeline;
    this.#valuesKept = valuesKept;
    this.#seen = decode(text, timeline);
  }

  /**
   * Notes that `value` was seen at `at`, which must be read after the look that showed it.
   *
   * @returns the earliest known time at which it was there.
   */
  note(key: string, value: string, at = this.#timeline.now()): number {
    const times = this.#seen.get(key) ?? new Map<string, number>();
    const known = times.get(value);
    if (known !== undefined && known <= at) return known;
    times.delete(value);
    times.set(value, at);
    for (const oldest of times.keys()) {
      if (times.size <= this.#valuesKept) break;
      times.delete(oldest);
    }
    this.#seen.set(key, times);
    this.#isChanged = true;
    return at;
  }

  /** The earliest known time of `value`; undefined when it was never seen on this timeline. */
  since(key: string, value: string): number | undefined {
    return this.#seen.get(key)?.get(value);
  }

  /** Milliseconds since `value` was first seen; 0 when it never was. */
  unchangedMs(key: string, value: string): number {
    const since = this.since(key, value);
    return since === undefined ? 0 : Math.max(0, this.#timeline.now() - since);
  }

  /** Whether any value of `key` was seen, on this or an earlier timeline. */
  has(key: string): boolean {
    return this.#seen.has(key);
  }

  forget(key: string): void {
    if (this.#seen.delete(key)) this.#isChanged = true;
  }

  /** Forgets every key that begins with `prefix` and is not among `keys`. */
  retain(keys: ReadonlySet<string>, prefix = ''): void {
    for (const key of this.#seen.keys()) if (key.startsWith(prefix) && !keys.has(key)) this.forget(key);
  }

  /** Whether the table differs from what {@link text} last returned. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** What to store. */
  text(): string {
    this.#isChanged = false;
    const seen = Object.fromEntries([...this.#seen].map(([key, times]) => [key, Object.fromEntries(times)]));
    const { bootId: boot = null, timeNamespace: namespace = null } = this.#timeline;
    return `${JSON.stringify({ format: FORMAT, bootId: boot, timeNamespace: namespace, seen })}\n`;
  }
}

/** How many components at the end of {@link firstSeenPath} have names of ours. */
export const FIRST_SEEN_DEPTH = 3;

/**
 * The file of one table among the state of this user on this host, boot and time namespace: a home directory may be
 * shared between hosts. Undefined where the boot is unknown or the user has no place for state: then a table lives as
 * long as its process.
 *
 * @param scope what the table is about, such as a lease's path or a remote of a clone.
 */
export function firstSeenPath(scope: string): string | undefined {
  const directory = stateDirectory();
  const boot = bootId();
  if (directory === undefined || boot === undefined) return undefined;
  const key = createHash('sha256')
    .update(`${boot}\0${timeNamespace() ?? ''}\0${scope}`)
    .digest('hex');
  return join(directory, 'first-seen', `${key.slice(0, 40)}.json`);
}

function decode(text: string | undefined, timeline: Timeline): Map<string, Times> {
  const table = new Map<string, Times>();
  const content = parsed(text);
  if (content === undefined) return table;
  const isOwn =
    isSame(content.bootId, timeline.bootId) && isSame(content.timeNamespace, timeline.timeNamespace);
  const now = timeline.now();
  for (const [key, times] of Object.entries(content.seen)) {
    const isPast = (entry: [string, unknown]): entry is [string, number] =>
      typeof entry[1] === 'number' && entry[1] >= 0 && entry[1] <= now;
    const known = isOwn && isRecord(times) ? Object.entries(times).filter(isPast) : [];
    table.set(key, new Map(known.length > 0 ? known : [[FORGOTTEN, now]]));
  }
  return table;
}

function parsed(
  text: string | undefined,
): { bootId: unknown; timeNamespace: unknown; seen: object } | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isRecord(value) || value['format'] !== FORMAT || !isRecord(value['seen'])) return undefined;
  return { bootId: value['bootId'], timeNamespace: value['timeNamespace'], seen: value['seen'] };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
