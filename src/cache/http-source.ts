import { LockError } from '../core/errors.js';
import { fetchBytes, type FetchOptions } from '../net/fetch.js';
import { NetworkFailure } from '../net/network-failure.js';
import { displayUrl } from '../net/url.js';
import type { CacheMeta } from './format.js';
import { isByServer } from './freshness.js';
import { HTTP_CACHE_MAX_SIZE_BYTES, type HttpCacheOptions } from './http-options.js';
import { isOfFormat, payloadOfBody } from './payload.js';
import { requestIdentity, urlIdentity } from './request-identity.js';
import { serverPolicy } from './server-policy.js';
import type { AnswerFacts, Source, SourceRequest, SourceResult } from './source.js';

/** A URL, asked conditionally where the file has tags of its last answer. */
export function httpSource<T>(url: string | URL, options: HttpCacheOptions<T>): Source<T> {
  const { format = 'json', headers = {} } = options;
  return {
    name: displayUrl(url),
    id: requestIdentity(url, headers),
    accepts: (stored) => isOfFormat(stored, format),
    fetch: (request) => new HttpFetch(url, options, request).run(),
  };
}

type HttpAnswer = Awaited<ReturnType<typeof fetchBytes>>;

class HttpFetch<T> {
  readonly #url: string | URL;
  readonly #options: HttpCacheOptions<T>;
  readonly #request: SourceRequest<T>;
  readonly #deadline: number;

  constructor(url: string | URL, options: HttpCacheOptions<T>, request: SourceRequest<T>) {
    this.#url = url;
    this.#options = options;
    this.#request = request;
    this.#deadline = request.clock.now() + request.timeoutMs;
  }

  async run(): Promise<SourceResult> {
    const previous = this.#request.previous?.meta;
    const conditions = conditionsOf(previous);
    let answer = await this.#ask(conditions);
    // "Not modified" about something else than what is here: asked again, for the whole of it (RFC 9111, 4.3.4).
    if (answer.status === 304 && !isAbout(answer, previous)) answer = await this.#ask(undefined);
    return this.#resultOf(answer, previous);
  }

  #ask(conditions: FetchOptions['conditions']): Promise<HttpAnswer> {
    const { format = 'json', headers = {}, firstRetryMs, idleTimeoutMs, maxSizeBytes } = this.#options;
    const { signal, statedTimeoutMs, timeoutSource, onProgress, onRetry, clock } = this.#request;
    const attempts = this.#request.attempts ?? this.#options.attempts;
    return fetchBytes(this.#url, {
      clock,
      headers,
      conditions,
      acceptedStatus: conditions === undefined ? [] : [304],
      // Bytes are wanted as they are stored at the server, not as they travel.
      isRaw: format === 'bytes',
      isDetached: this.#request.isDetached,
      maxSizeBytes: maxSizeBytes ?? HTTP_CACHE_MAX_SIZE_BYTES,
      signal,
      timeoutMs: Math.max(0, this.#deadline - clock.now()),
      statedTimeoutMs,
      timeoutSource,
      ...(attempts !== undefined && { attempts }),
      ...(firstRetryMs !== undefined && { firstRetryMs }),
      ...(idleTimeoutMs !== undefined && { idleTimeoutMs }),
      ...(onProgress && { onProgress }),
      ...(onRetry && { onRetry }),
    });
  }

  async #resultOf(answer: HttpAnswer, previous: CacheMeta | undefined): Promise<SourceResult> {
    const { format = 'json', headers = {}, ttlMs } = this.#options;
    const isConfirmed = answer.status === 304;
    const stored = isConfirmed ? previous?.server?.headers : undefined;
    const { server, isStorable } = await serverPolicy(this.#url, headers, answer, stored);
    const tags = { ...tagsOf(answer), server };
    if (isConfirmed) return { kind: 'unchanged', facts: tags };
    const contentType = answer.headers.get('content-type');
    const payload = payloadOfBody(answer.body, format, { contentType, previous });
    if (typeof payload === 'string') throw unusable(this.#url, payload, answer.body, contentType);
    const facts: AnswerFacts = {
      ...tags,
      answeredBy: urlIdentity(answer.url),
      contentType: contentType ?? undefined,
      hasByteOrderMark: payload.hasByteOrderMark || undefined,
    };
    return { kind: 'new', payload, isStorable: !isByServer(ttlMs, previous) || isStorable, facts };
  }
}

function tagsOf({ headers }: HttpAnswer): Pick<AnswerFacts, 'etag' | 'lastModified'> {
  const [etag, lastModified] = [headers.get('etag'), headers.get('last-modified')];
  return { ...(etag !== null && { etag }), ...(lastModified !== null && { lastModified }) };
}

/** Sent to the URL that answered last only: the tags of one redirect's target say nothing about another. */
function conditionsOf(meta: CacheMeta | undefined): FetchOptions['conditions'] {
  const { etag, lastModified, answeredBy } = meta ?? {};
  if (answeredBy === undefined || (etag ?? lastModified) === undefined) return undefined;
  return {
    isFor: (url) => urlIdentity(url) === answeredBy,
    headers: {
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
    },
  };
}

/** Whether a 304 confirms the payload in the file: the conditions went to the URL that sent it, and it names no other tag. */
function isAbout({ url, headers }: HttpAnswer, previous: CacheMeta | undefined): boolean {
  if (previous === undefined || urlIdentity(url) !== previous.answeredBy) return false;
  const etag = headers.get('etag');
  return etag === null || previous.etag === undefined || isSameTag(etag, previous.etag);
}

/** By the weak comparison, which is the one of If-None-Match (RFC 9110, 13.1.2). */
function isSameTag(a: string, b: string): boolean {
  return a.replace(/^W\//, '') === b.replace(/^W\//, '');
}

/** A login page of a hotel, for instance: status 200, and not what was asked for. */
function unusable(url: string | URL, wanted: string, body: Buffer, contentType: string | null): LockError {
  const name = displayUrl(url);
  const what = body.length === 0 ? 'is empty' : `has the content type ${contentType ?? 'not given'}`;
  const fact = `the answer is not ${wanted}: it ${what}`;
  return new LockError(`Could not fetch "${name}": ${fact}. Check the URL.`, {
    code: 'HOLDFAST_NETWORK',
    resource: name,
    cause: new NetworkFailure(fact, { kind: 'request', isTransient: false }),
  });
}
