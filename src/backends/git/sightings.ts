import { readJson, replaceJson } from './files.js';
import type { ObjectId } from './objects.js';

/** Until then a tip that was seen is worth a push without another look; the push itself decides. */
const MEMORY_MS = 30_000;

/** Whose clock the times are on. On another boot, or in another time namespace, they mean nothing. */
export interface Timeline {
  readonly bootId: string | undefined;
  readonly timeNamespace: number | undefined;
  /** Milliseconds since boot, suspend included. */
  now(): number;
}

interface Sighting {
  /** Empty: there was no branch. */
  readonly oid: ObjectId;
  readonly generation: number;
  readonly isFree: boolean;
  /** When this clone first saw that very tip, read AFTER the fetch returned, and when it last did. */
  readonly firstMs: number;
  readonly lastMs: number;
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

  note(ref: string, oid: ObjectId, state: { readonly generation: number; readonly isFree: boolean }): void {
    const nowMs = this.#timeline.now();
    const known = this.#seen.get(ref);
    const firstMs = known?.oid === oid ? known.firstMs : nowMs;
    this.#seen.set(ref, { oid, ...state, firstMs, lastMs: nowMs });
    this.#isChanged = true;
  }

  /** Milliseconds for which this clone knows that `oid` has been the tip. */
  unchangedMs(ref: string, oid: ObjectId): number {
    const known = this.#seen.get(ref);
    return known?.oid === oid ? Math.max(0, this.#timeline.now() - known.firstMs) : 0;
  }

  /** The tip to expect of a claim that was free a moment ago, or absent. */
  recentlyFree(ref: string): { readonly oid: ObjectId; readonly generation: number } | undefined {
    const known = this.#seen.get(ref);
    if (known === undefined || !known.isFree || this.#timeline.now() - known.lastMs > MEMORY_MS)
      return undefined;
    return known;
  }

  /** Forgets branches that a look at all of them did not show. */
  retain(refs: ReadonlySet<string>): void {
    for (const ref of this.#seen.keys()) if (!refs.has(ref)) this.#isChanged = this.#seen.delete(ref);
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
  if (content?.schema !== 1 || typeof content.seen !== 'object') return {};
  // Without a boot id nothing tells a reboot, and then a time since boot proves nothing.
  if (timeline.bootId === undefined || content.bootId !== timeline.bootId) return {};
  return content.timeNamespace === (timeline.timeNamespace ?? null) ? content.seen : {};
}
