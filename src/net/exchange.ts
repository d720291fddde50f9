import type { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

import { dispatcherFor } from './dispatcher.js';
import { NetworkFailure } from './network-failure.js';
import { displayUrl, splitCredentials } from './url.js';

export const REDIRECTS_MAX = 10;

export interface ExchangeRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent only where `isFor` holds for the URL without credentials: tags of one URL's answer mean nothing to another. */
  readonly conditions:
    { isFor(url: string): boolean; readonly headers: Readonly<Record<string, string>> } | undefined;
  readonly body: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
  readonly isDetached: boolean;
  /** The caller checks the body by a checksum: a redirect may leave https. */
  readonly isVerified: boolean;
}

/** An answer with its body as it came over the wire. */
export interface RawAnswer {
  readonly status: number;
  readonly statusText: string;
  readonly headers: Headers;
  /** Of the last request, after all redirects; without credentials and fragment. */
  readonly url: string;
  readonly body: Readable;
}

/** The form in which URLs are compared: no credentials, no fragment. */
export function requestUrl(url: string | URL): string {
  const { url: plain } = splitCredentials(url);
  plain.hash = '';
  return plain.href;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What may go to another origin. Everything else that a caller sets may be a secret (PRIVATE-TOKEN, X-Api-Key). */
const PORTABLE = new Set(['accept', 'accept-encoding', 'accept-language', 'user-agent', 'range', 'if-range']);

/**
 * One request, redirects followed. Credentials, cookies and headers of the caller's own stay at the origin of `url`.
 *
 * @throws NetworkFailure for a redirect that leads nowhere; undici's errors for a connection that fails.
 */
export async function exchange(url: string | URL, request: ExchangeRequest): Promise<RawAnswer> {
  let target = new URL(url);
  let { method, body } = request;
  const home = target.origin;
  for (let redirects = 0; ; redirects++) {
    const dispatcher = await dispatcherFor(target.protocol, request.isDetached);
    const answer = await send(dispatcher, target, { ...request, method, body }, home);
    const location = REDIRECTS.has(answer.status) ? answer.headers.get('location') : null;
    if (location === null) return answer;
    answer.body.on('error', () => undefined).destroy();
    if (redirects === REDIRECTS_MAX) throw astray(`there are more than ${REDIRECTS_MAX} redirects`);
    target = next(location, target, request.isVerified);
    if (answer.status === 303 || (answer.status < 303 && method === 'POST'))
      [method, body] = ['GET', undefined];
  }
}

async function send(
  dispatcher: Dispatcher,
  target: URL,
  request: ExchangeRequest,
  home: string,
): Promise<RawAnswer> {
  const { url, authorization } = splitCredentials(target);
  url.hash = '';
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers))
    if (url.origin === home || PORTABLE.has(name.toLowerCase())) headers.set(name, value);
  if (authorization !== undefined && !headers.has('authorization'))
    headers.set('authorization', authorization);
  if (request.conditions?.isFor(url.href) === true)
    for (const [name, value] of Object.entries(request.conditions.headers)) headers.set(name, value);
  const {
    statusCode,
    statusText,
    headers: received,
    body,
  } = await dispatcher.request({
    origin: url.origin,
    path: url.pathname + url.search,
    method: request.method as Dispatcher.HttpMethod,
    headers: Object.fromEntries(headers),
    body: request.body ?? null,
    signal: request.signal,
  });
  return { status: statusCode, statusText, headers: headersOf(received), url: url.href, body };
}

function headersOf(received: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(received))
    for (const one of Array.isArray(value) ? value : [value])
      if (one !== undefined) headers.append(name, one);
  return headers;
}

function next(location: string, from: URL, isVerified: boolean): URL {
  if (!URL.canParse(location, from.href)) throw astray('it redirects to something that is no URL');
  const target = new URL(location, from.href);
  if (!/^https?:$/.test(target.protocol))
    throw astray(`it redirects to ${displayUrl(target)}, which is no web address`);
  if (from.protocol === 'https:' && target.protocol === 'http:' && !isVerified)
    throw astray(
      `it redirects from https to ${displayUrl(target)}, where the payload could be changed on its way`,
    );
  return target;
}

function astray(fact: string): NetworkFailure {
  return new NetworkFailure(fact, { kind: 'request', isTransient: false });
}
