import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

import { sleep, systemClock } from '../platform/clock.js';
import type { BucketStoreTraits } from './bucket-store-modes.js';

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly generation: number;
  readonly metadata: Readonly<Record<string, string>>;
  /** Monotonic. */
  readonly writtenAt: number;
  readonly before: StoredObject | undefined;
}

export interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

/** One request, read to its end. `path` is `BUCKET/KEY`. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const LIST_PAGE = 1_000;

/** The objects of a store, and its answers to requests that it looks at. */
export class BucketObjects {
  traits: BucketStoreTraits;
  readonly #objects = new Map<string, StoredObject>();
  readonly #writing = new Map<string, number>();
  #generation = 0;

  constructor(traits: BucketStoreTraits) {
    this.traits = traits;
  }

  keys(): readonly string[] {
    return [...this.#objects.keys()].toSorted();
  }

  text(path: string): string | undefined {
    return this.#objects.get(path)?.bytes.toString('utf8');
  }

  put(path: string, text: string | undefined): void {
    if (text === undefined) this.#objects.delete(path);
    else this.#store(path, Buffer.from(text), {});
  }

  async answer(asked: Asked): Promise<Answer> {
    const { method, path, query } = asked;
    const isRead = method === 'GET' || method === 'HEAD';
    if (isRead && query.has('versioning')) return this.#versioning();
    if (isRead && this.traits.isUnreadable === true) return failure(503, 'SlowDown');
    if (method === 'GET' && query.has('list-type')) return this.#list(path, query);
    if (isRead) return this.#get(asked);
    if (method === 'DELETE') return this.#delete(asked);
    return method === 'PUT' ? this.#put(asked) : failure(405, 'MethodNotAllowed');
  }

  #get({ path, headers }: Asked): Answer {
    const { staleForMs = 0 } = this.traits;
    const newest = this.#objects.get(path);
    const isFresh = newest === undefined || systemClock.now() - newest.writtenAt >= staleForMs;
    const found = isFresh ? newest : newest.before;
    if (found === undefined) return failure(404, 'NoSuchKey');
    const described = describe(found);
    return this.#isTag(headers['if-none-match'], found.etag, true)
      ? { status: 304, headers: described }
      : { status: 200, headers: described, body: found.bytes };
  }

  #delete({ path, headers }: Asked): Answer {
    const found = this.#objects.get(path);
    const match = headers['if-match'];
    if (this.traits.honoursDelete && match !== undefined && found !== undefined) {
      if (!this.#isTag(match, found.etag, false)) return failure(412, 'PreconditionFailed');
    }
    this.#objects.delete(path);
    return { status: 204 };
  }

  async #put({ path, headers, body }: Asked): Promise<Answer> {
    const { raceLoser, isRacy, writeEveryMs = 0 } = this.traits;
    const last = this.#objects.get(path)?.writtenAt;
    if (last !== undefined && systemClock.now() - last < writeEveryMs) return failure(429, 'SlowDown');
    const rivals = this.#writing.get(path) ?? 0;
    this.#writing.set(path, rivals + 1);
    try {
      // Long enough for a rival that comes at the same time to be seen as one.
      if (raceLoser !== 412) await sleep(1);
      const refused = this.#refusal(path, headers);
      if (refused === undefined) {
        if (isRacy === true) await sleep(20);
        return { status: 200, headers: describe(this.#store(path, body, metadataOf(headers))) };
      }
      return rivals > 0 && raceLoser !== 412 ? failure(raceLoser, raceCode(raceLoser)) : refused;
    } finally {
      this.#writing.set(path, (this.#writing.get(path) ?? 1) - 1);
    }
  }

  #refusal(path: string, headers: IncomingHttpHeaders): Answer | undefined {
    const { honoursCreate, honoursMatch, missing, isInverted } = this.traits;
    const found = this.#objects.get(path);
    const generation = headers['x-generation-match'];
    if (generation !== undefined) {
      return Number(generation) === (found?.generation ?? 0) ? undefined : failure(412, 'PreconditionFailed');
    }
    const refused = failure(412, 'PreconditionFailed');
    if (headers['if-none-match'] === '*' && honoursCreate) {
      return (found !== undefined) === (isInverted !== true) ? refused : undefined;
    }
    const match = headers['if-match'];
    if (match === undefined || !honoursMatch) return undefined;
    if (found === undefined) return missing === 404 ? failure(404, 'NoSuchKey') : refused;
    return this.#isTag(match, found.etag, false) === (isInverted !== true) ? undefined : refused;
  }

  #isTag(given: string | undefined, etag: string, isRead: boolean): boolean {
    if (given === undefined) return false;
    // Quotes are compared as they come, where a store does not take them off.
    if (this.traits.isUnquoted && !isRead) return given === etag.replaceAll('"', '');
    return given.replaceAll('"', '') === etag.replaceAll('"', '');
  }

  #store(path: string, bytes: Buffer, metadata: Readonly<Record<string, string>>): StoredObject {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const before = this.#objects.get(path);
    const object: StoredObject = {
      bytes,
      etag,
      generation: ++this.#generation,
      metadata,
      writtenAt: systemClock.now(),
      before: before && { ...before, before: undefined },
    };
    this.#objects.set(path, object);
    return object;
  }

  #versioning(): Answer {
    const status = this.traits.isVersioned === true ? '<Status>Enabled</Status>' : '';
    return { status: 200, body: `<VersioningConfiguration>${status}</VersioningConfiguration>` };
  }

  #list(path: string, query: URLSearchParams): Answer {
    const bucket = `${path.replace(/\/$/, '')}/`;
    const start = `${bucket}${query.get('prefix') ?? ''}`;
    const after = query.get('continuation-token') ?? '';
    const keys = [...this.#objects.keys()]
      .filter((one) => one.startsWith(start))
      .map((one) => one.slice(bucket.length))
      .toSorted();
    const page = keys.filter((key) => key > after).slice(0, LIST_PAGE);
    const last = page.at(-1);
    const isMore = last !== undefined && keys.at(-1) !== last;
    const shown = (key: string): string =>
      query.get('encoding-type') === 'url' ? encodeURIComponent(key) : escapeXml(key);
    const contents = page.map((key) => `<Contents><Key>${shown(key)}</Key></Contents>`).join('');
    const next = isMore ? `<NextContinuationToken>${shown(last)}</NextContinuationToken>` : '';
    return { status: 200, body: `<ListBucketResult>${contents}${next}</ListBucketResult>` };
  }
}

export function failure(status: number, code: string): Answer {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` };
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

function describe({ etag, generation, metadata }: StoredObject): Record<string, string> {
  const named = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return { etag, 'x-generation': String(generation), ...Object.fromEntries(named) };
}

function metadataOf(headers: IncomingHttpHeaders): Record<string, string> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(found.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

function raceCode(status: number): string {
  return status === 409 ? 'ConditionalRequestConflict' : 'UnknownError';
}
