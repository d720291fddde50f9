import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { sleep } from '../platform/clock.js';
import { type Answer, BucketObjects, failure } from './bucket-objects.js';
import { BUCKET_STORE_MODES, type BucketStoreMode } from './bucket-store-modes.js';

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
  /** Of the signature: whose credentials it was made with. */
  readonly accessKeyId: string | undefined;
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
  /** All objects, as `BUCKET/KEY`, sorted. Never throws. */
  keys(): readonly string[];
  /** The text at a key, as `BUCKET/KEY`; undefined where there is none. Never throws. */
  text(path: string): string | undefined;
  /** Replaces the fault function while the store runs. Never throws. */
  setFault(fault: BucketStoreOptions['fault']): void;
  /** Answers in another mode from now on, as when a quorum is lost or versioning is switched on. Never throws. */
  setMode(mode: BucketStoreMode): void;
  /** Writes or deletes a key directly, without a request and without a condition. Never throws. */
  put(path: string, text: string | undefined): void;
  /** Closes the server and its connections. Never throws. */
  close(): Promise<void>;
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
    keys: () => store.objects.keys(),
    text: (path) => store.objects.text(path),
    setFault: (fault) => {
      store.fault = fault;
    },
    setMode: (mode) => {
      store.objects.traits = BUCKET_STORE_MODES[mode];
    },
    put: (path, text) => store.objects.put(path, text),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Counts, delays, loses and refuses requests on their way to the objects. */
class MemoryStore {
  readonly objects: BucketObjects;
  readonly requests: Record<string, number> = {};
  fault: BucketStoreOptions['fault'];
  readonly #clockAheadMs: number;
  #count = 0;

  constructor({ mode = 'aws', fault, clockAheadMs = 0 }: BucketStoreOptions) {
    this.objects = new BucketObjects(BUCKET_STORE_MODES[mode]);
    this.#clockAheadMs = clockAheadMs;
    this.fault = fault;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', headers } = request;
    const url = new URL(request.url ?? '/', 'http://store');
    const path = decodeURIComponent(url.pathname.slice(1));
    const body = await bodyOf(request);
    this.requests[method] = (this.requests[method] ?? 0) + 1;
    this.#count++;
    const key = path.slice(path.indexOf('/') + 1);
    const fault = this.fault?.({ method, key, ...signerOf(request), count: this.#count });
    const carryOut = async (): Promise<Answer> =>
      this.#unsigned(request, url) ??
      this.objects.answer({ method, path, query: url.searchParams, headers, body });
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

  /** A request that is not looked at, because of its signature. */
  #unsigned({ headers }: IncomingMessage, url: URL): Answer | undefined {
    const isOurs = headers['x-generation-match'] !== undefined || url.searchParams.has('generation');
    if (!isOurs && headers.authorization?.startsWith('AWS4-HMAC-SHA256 ') !== true)
      return failure(403, 'AccessDenied');
    return this.#isSkewed(headers['x-amz-date']) ? failure(403, 'RequestTimeTooSkewed') : undefined;
  }

  #isSkewed(date: string | string[] | undefined): boolean {
    if (typeof date !== 'string') return false;
    const iso = date.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
    return Math.abs(Date.parse(iso) - this.#now().getTime()) > SKEW_MAX_MS;
  }
}

function signerOf({ headers }: IncomingMessage): Pick<BucketRequest, 'accessKeyId' | 'region'> {
  const [, accessKeyId, region] =
    /Credential=([^/]*)\/\d+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  return { accessKeyId, region };
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
