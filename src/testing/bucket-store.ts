import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { sleep } from '../platform/clock.js';
import { BUCKET_STORE_MODES, type BucketStoreMode, type BucketStoreTraits } from './bucket-store-modes.js';

/** What happens to one request. */
export type BucketFault =
  /** Carried out; its answer is lost. */
  | { readonly kind: 'lose-reply' }
  /** Not carried out, and not answered. */
  | { readonly kind: 'drop' }
  /** Not answered, and carried out only after `delayMs`, if its condition holds then. */
  | { readonly kind: 'late'; readonly delayMs: number }
  /** Carried out and answered after `delayMs`. */
  | { readonly kind: 'delay'; readonly delayMs: number }
  /** Carried out at once, answered after `delayMs`. */
  | { readonly kind: 'slow-reply'; readonly delayMs: number }
  /** Not carried out, answered with this. */
  | { readonly kind: 'status'; readonly status: number; readonly code: string };

/** One request, as a fault hook sees it. */
export interface BucketRequest {
  /** HTTP method. */
  readonly method: string;
  /** Bucket and key: `BUCKET/KEY`. */
  readonly key: string;
  /** Of the signature: distinguishes clients that were given different ones. */
  readonly region: string | undefined;
  /** Number of requests so far, this one included. */
  readonly count: number;
}

/** Options of {@link startBucketStore}. */
export interface BucketStoreOptions {
  /** How it answers conditions; default `aws`. */
  readonly mode?: BucketStoreMode;
  /** Called before each request is carried out; its result is done instead. Default: none. */
  readonly fault?: (request: BucketRequest) => BucketFault | undefined;
  /**
   * Milliseconds that the store's clock is ahead of this machine's; it refuses signatures that are 15 minutes off.
   * Default 0.
   */
  readonly clockAheadMs?: number;
}

/** A running store. */
export interface BucketStore {
  /** For `?endpoint=`. */
  readonly endpoint: string;
  /** How often each method was asked for since the start. */
  readonly requests: Readonly<Record<string, number>>;
  /** The text at a key, as `BUCKET/KEY`; undefined where there is none. Never throws. */
  text(path: string): string | undefined;
  /** Replaces the fault function while the store runs. Never throws. */
  setFault(fault: BucketStoreOptions['fault']): void;
  /** Writes or deletes a key directly, without a request and without a condition. Never throws. */
  put(path: string, text: string | undefined): void;
  /** Closes the server and its connections. Never throws. */
  close(): Promise<void>;
}

interface StoredObject {
  readonly bytes: Buffer;
  readonly etag: string;
  readonly generation: number;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Answer {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string | Buffer;
}

const SKEW_MAX_MS = 15 * 60_000;

/**
 * A store in memory that speaks as much of S3 as locks need, for tests: GET, HEAD, conditional PUT, DELETE and
 * listings, on a free port of 127.0.0.1. It also answers by `x-generation`, so that a store with integers for
 * versions can be tried. Not for anything but tests: it checks no signature and keeps nothing.
 *
 * @throws the error of the socket, when no port of 127.0.0.1 can be opened.
 */
export async function startBucketStore(options: BucketStoreOptions = {}): Promise<BucketStore> {
  const store = new MemoryStore(options);
  const server = createServer((request, response) => {
    store.serve(request, response).catch(() => response.destroy());
  });
  server.keepAliveTimeout = 30_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    requests: store.requests,
    text: (path) => store.objects.get(path)?.bytes.toString('utf8'),
    setFault: (fault) => {
      store.fault = fault;
    },
    put: (path, text) => {
      if (text === undefined) store.objects.delete(path);
      else store.store(path, Buffer.from(text), {});
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

class MemoryStore {
  readonly objects = new Map<string, StoredObject>();
  readonly requests: Record<string, number> = {};
  fault: BucketStoreOptions['fault'];
  readonly #traits: BucketStoreTraits;
  readonly #clockAheadMs: number;
  readonly #writing = new Map<string, number>();
  #count = 0;
  #generation = 0;

  constructor({ mode = 'aws', fault, clockAheadMs = 0 }: BucketStoreOptions) {
    this.#traits = BUCKET_STORE_MODES[mode];
    this.#clockAheadMs = clockAheadMs;
    this.fault = fault;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET' } = request;
    const url = new URL(request.url ?? '/', 'http://store');
    const path = decodeURIComponent(url.pathname.slice(1));
    const body = await bodyOf(request);
    this.requests[method] = (this.requests[method] ?? 0) + 1;
    this.#count++;
    const key = path.slice(path.indexOf('/') + 1);
    const fault = this.fault?.({ method, key, region: regionOf(request), count: this.#count });
    const carryOut = (): Promise<Answer> => this.#answer(request, url, path, body);
    switch (fault?.kind) {
      case 'drop':
        return void response.destroy();
      case 'lose-reply':
        await carryOut();
        return void response.destroy();
      case 'late':
        response.destroy();
        await sleep(fault.delayMs);
        return void (await carryOut());
      case 'status':
        return send(response, failure(fault.status, fault.code), this.#now());
      case 'slow-reply': {
        const answer = await carryOut();
        await sleep(fault.delayMs);
        return send(response, answer, this.#now());
      }
      case 'delay':
        await sleep(fault.delayMs);
    }
    send(response, await carryOut(), this.#now());
  }

  #now(): Date {
    return new Date(new Date().getTime() + this.#clockAheadMs);
  }

  async #answer(request: IncomingMessage, url: URL, path: string, body: Buffer): Promise<Answer> {
    const { method = 'GET', headers } = request;
    const isOurs = headers['x-generation-match'] !== undefined || url.searchParams.has('generation');
    if (!isOurs && headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true)
      return failure(403, 'AccessDenied');
    if (this.#isSkewed(headers['x-amz-date'])) return failure(403, 'RequestTimeTooSkewed');
    if (method === 'GET' && url.searchParams.has('list-type')) return this.#list(path, url.searchParams);
    if (method === 'GET' || method === 'HEAD') return this.#get(path, headers);
    if (method === 'DELETE') {
      this.objects.delete(path);
      return { status: 204 };
    }
    return method === 'PUT' ? this.#put(path, headers, body) : failure(405, 'MethodNotAllowed');
  }

  #isSkewed(date: string | string[] | undefined): boolean {
    if (typeof date !== 'string') return false;
    const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
    return Math.abs(Date.parse(iso) - this.#now().getTime()) > SKEW_MAX_MS;
  }

  #get(path: string, headers: IncomingMessage['headers']): Answer {
    const found = this.objects.get(path);
    if (found === undefined) return failure(404, 'NoSuchKey');
    const described = describe(found);
    const isKnown = this.#isTag(headers['if-none-match'], found.etag, true);
    return isKnown
      ? { status: 304, headers: described }
      : { status: 200, headers: described, body: found.bytes };
  }

  async #put(path: string, headers: IncomingMessage['headers'], body: Buffer): Promise<Answer> {
    const { raceLoser } = this.#traits;
    const rivals = this.#writing.get(path) ?? 0;
    this.#writing.set(path, rivals + 1);
    try {
      // Long enough for a rival that comes at the same time to be seen as one.
      if (raceLoser !== 412) await sleep(1);
      const refused = this.#refusal(path, headers);
      if (refused === undefined)
        return { status: 200, headers: describe(this.store(path, body, metadataOf(headers))) };
      return rivals > 0 && raceLoser !== 412 ? failure(raceLoser, raceCode(raceLoser)) : refused;
    } finally {
      this.#writing.set(path, (this.#writing.get(path) ?? 1) - 1);
    }
  }

  #refusal(path: string, headers: IncomingMessage['headers']): Answer | undefined {
    const { honoursCreate, honoursMatch, missing, isInverted } = this.#traits;
    const found = this.objects.get(path);
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
    if (this.#traits.isUnquoted && !isRead) return given === etag.replaceAll('"', '');
    return given.replaceAll('"', '') === etag.replaceAll('"', '');
  }

  store(path: string, bytes: Buffer, metadata: Readonly<Record<string, string>>): StoredObject {
    const etag = `"${createHash('md5').update(bytes).digest('hex')}"`;
    const object = { bytes, etag, generation: ++this.#generation, metadata };
    this.objects.set(path, object);
    return object;
  }

  #list(path: string, query: URLSearchParams): Answer {
    const bucket = `${path.replace(/\/$/, '')}/`;
    const start = `${bucket}${query.get('prefix') ?? ''}`;
    const after = query.get('continuation-token') ?? '';
    const keys = [...this.objects.keys()]
      .filter((one) => one.startsWith(start))
      .map((one) => one.slice(bucket.length))
      .toSorted();
    const page = keys.filter((key) => key > after).slice(0, LIST_PAGE);
    const last = page.at(-1);
    const isMore = last !== undefined && keys.at(-1) !== last;
    const contents = page.map((key) => `<Contents><Key>${encodeURIComponent(key)}</Key></Contents>`).join('');
    const next = isMore ? `<NextContinuationToken>${encodeURIComponent(last)}</NextContinuationToken>` : '';
    return { status: 200, body: `<ListBucketResult>${contents}${next}</ListBucketResult>` };
  }
}

const LIST_PAGE = 1_000;

function describe({ etag, generation, metadata }: StoredObject): Record<string, string> {
  const named = Object.entries(metadata).map(([name, value]) => [`x-amz-meta-${name}`, value]);
  return { etag, 'x-generation': String(generation), ...Object.fromEntries(named) };
}

function metadataOf(headers: IncomingMessage['headers']): Record<string, string> {
  const found = Object.entries(headers).filter(([name]) => name.startsWith('x-amz-meta-'));
  return Object.fromEntries(found.map(([name, value]) => [name.slice('x-amz-meta-'.length), String(value)]));
}

function regionOf({ headers }: IncomingMessage): string | undefined {
  return /Credential=[^/]*\/\d+\/([^/]+)\//.exec(headers.authorization ?? '')?.[1];
}

function raceCode(status: number): string {
  return status === 409 ? 'ConditionalRequestConflict' : 'UnknownError';
}

function failure(status: number, code: string): Answer {
  return { status, body: `<?xml version="1.0"?><Error><Code>${code}</Code></Error>` };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function send(response: ServerResponse, { status, headers = {}, body = '' }: Answer, now: Date): void {
  response.writeHead(status, { date: now.toUTCString(), ...headers });
  response.end(response.req.method === 'HEAD' || status === 304 ? undefined : body);
}
