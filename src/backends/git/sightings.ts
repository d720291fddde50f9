import { readJson, replaceJson } from './files.js';
import type { ObjectId } from './objects.js';

/** The tip of a branch seen on an earlier boot: heard of, and no commit's id. */
const FORGOTTEN = '?';

/** Whose clock the times are on. On another boot, or in another time namespace, they mean nothing. */
export interface Timeline {
  readonly bootId: string | undefined;
  readonly timeNamespace: number | undefined;
  /** Milliseconds since boot, suspend included. */
  now(): number;
}

interface Sighting {
  readonly oid: ObjectId;
  /** When this clone first saw that very tip, read AFTER the fetch returned. */
  readonly firstMs: number;
}

interface Content {
  schema: 1;
  bootId: string | null;
  timeNamespace: number | null;
  seen: Record<string, Sighting>;
}

/**
 * What this clone has seen at one remote, and since when: how staleness is judged, by this machine's own clock
 * and never by a date in a record. Losing the file only makes everything look fresh.
 */
export class Sightings {
  readonly #path: string;
  readonly #timeline: Timeline;
  readonly #seen: Map<string, Sighting>;
  #isChanged = false;

  constructor(path: string, timeline: Timeline) {
    this.#path = path;
    this.#timeline = timeline;
    this.#seen = new Map(Object.entries(readSeen(path, timeline)));
  }

  /** `oid` empty: there is no such branch. */
  note(ref: string, oid: ObjectId): void {
    if (this.#seen.get(ref)?.oid === oid) return;
    if (oid !== '') this.#seen.set(ref, { oid, firstMs: this.#timeline.now() });
    else if (!this.#seen.delete(ref)) return;
    this.#isChanged = true;
  }

  /** Whether this clone, when it last heard of that branch if ever, heard that it is there. */
  isHeardOf(ref: string): boolean {
    return this.#seen.has(ref);
  }

  /** Milliseconds for which this clone knows that `oid` has been the tip. */
  unchangedMs(ref: string, oid: ObjectId): number {
    const known = this.#seen.get(ref);
    return known?.oid === oid ? Math.max(0, this.#timeline.now() - known.firstMs) : 0;
  }

  /** Forgets branches that a look at all of them did not show. */
  retain(refs: ReadonlySet<string>): void {
    for (const ref of this.#seen.keys()) if (!refs.has(ref)) this.note(ref, '');
  }

  save(): void {
    if (!this.#isChanged) return;
    const { bootId, timeNamespace } = this.#timeline;
    const content: Content = {
      schema: 1,
      bootId: bootId ?? null,
      timeNamespace: timeNamespace ?? null,
      seen: Object.fromEntries(this.#seen),
    };
    replaceJson(this.#path, content, false);
    this.#isChanged = false;
  }
}

function readSeen(path: string, timeline: Timeline): Record<string, Sighting> {
  let content: Content | undefined;
  try {
    content = readJson(path) as Content | undefined;
  } catch {
    return {};
  }
  if (content?.schema !== 1 || typeof content.seen !== 'object' || content.seen === null) return {};
  // Without a boot id nothing tells a reboot, and then a time since boot proves nothing.
  const isSameClock =
    timeline.bootId !== undefined &&
    content.bootId === timeline.bootId &&
    content.timeNamespace === (timeline.timeNamespace ?? null);
  if (isSameClock) return content.seen;
  return Object.fromEntries(Object.keys(content.seen).map((ref) => [ref, { oid: FORGOTTEN, firstMs: 0 }]));
}
