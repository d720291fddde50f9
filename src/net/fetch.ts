import { backoffDelayMs, type Clock, pause } from '../core/time.js';
import { formatDuration } from '../core/duration.js';
import { LockError } from '../core/errors.js';
import { attemptFetch, type Answer, type Progress } from './attempt.js';
import { deadlineSignal } from './deadline.js';
import type { ExchangeRequest } from './exchange.js';
import { NetworkFailure } from './network-failure.js';
import { displayUrl } from './url.js';

/** Attempts in all, the first included. */
export const FETCH_ATTEMPTS = 4;
/** Wait before the second attempt (of which half is random); it doubles from there. */
export const FETCH_FIRST_RETRY_MS = 1_000;
export const FETCH_RETRY_CAP_MS = 30_000;
/** Milliseconds without a byte from the server after which an attempt has failed. */
export const FETCH_IDLE_TIMEOUT_MS = 30_000;
/** Milliseconds for all attempts and waits together. */
export const FETCH_TIMEOUT_MS = 600_000;
export const FETCH_MAX_SIZE_BYTES = 1_073_741_824;

export interface FetchOptions {
  readonly clock: Clock;
  readonly method?: string;
  /** A function is asked before each attempt. */
  readonly headers?: Readonly<Record<string, string>> | (() => Readonly<Record<string, string>>);
  /** Headers that are sent only to the URL that they are for, whichever redirects lead there: tags of its last answer. */
  readonly conditions?: ExchangeRequest['conditions'];
  /** Sent again with every attempt. */
  readonly requestBody?: string | Uint8Array;
  /** Statuses besides 200 and 203 that are answers, not failures (304). */
  readonly acceptedStatus?: readonly number[];
  /** Default false: content encodings are undone. `true`: the bytes as they come, for checksums. */
  readonly isRaw?: boolean;
  /** The caller compares a checksum: a redirect may lead from https to http. Default false: it is refused. */
  readonly isVerified?: boolean;
  /** The request does not keep the process alive. Its timers are those of `clock`. */
  readonly isDetached?: boolean;
  readonly attempts?: number;
  readonly firstRetryMs?: number;
  readonly idleTimeoutMs?: number;
  readonly timeoutMs?: number;
  /** What messages call the timeout, where `timeoutMs` is only what is left of it. */
  readonly statedTimeoutMs?: number;
  /** As messages name it: `--timeout`, an environment variable, a file. */
  readonly timeoutSource?: string;
  readonly maxSizeBytes?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
  /** Called before each wait for another attempt. */
  readonly onRetry?: (event: RetryEvent) => void;
  /** @internal */
  readonly random?: () => number;
}

/** A request failed and will be repeated. */
export interface RetryEvent {
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Number of attempts so far. */
  readonly attempts: number;
  /** Milliseconds until the next attempt. */
  readonly delayMs: number;
  /** Why the last attempt failed. */
  readonly failure: NetworkFailure;
}

/**
 * Fetches `url` and hands each attempt's answer to `consume`, which must begin afresh each time. Only what may pass is
 * tried again: no connection, silence, a body cut short, and the statuses 202, 408, 425, 429, 500, 502 to 504 and 520 to 524; the
 * server's Retry-After is kept. Use it for requests that may safely be sent twice.
 *
 * @throws LockError HOLDFAST_NETWORK with a {@link NetworkFailure} as cause; the signal's reason; what `consume` throws.
 */
export async function fetchRetrying<T>(
  url: string | URL,
  options: FetchOptions,
  consume: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { clock, attempts = FETCH_ATTEMPTS, timeoutMs = FETCH_TIMEOUT_MS } = options;
  const deadline = clock.now() + timeoutMs;
  const limit = deadlineSignal(clock, timeoutMs, options.signal);
  const request = {
    clock,
    method: options.method ?? 'GET',
    headers: headersOf(options.headers),
    conditions: options.conditions,
    requestBody: options.requestBody,
    isRaw: options.isRaw ?? false,
    isDetached: options.isDetached ?? false,
    isVerified: options.isVerified ?? false,
    acceptedStatus: options.acceptedStatus ?? [],
    idleTimeoutMs: options.idleTimeoutMs ?? FETCH_IDLE_TIMEOUT_MS,
    maxSizeBytes: options.maxSizeBytes ?? FETCH_MAX_SIZE_BYTES,
    signal: limit.signal,
    onProgress: options.onProgress,
  };
  let last: NetworkFailure | undefined;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        return await attemptFetch(url, request, consume);
      } catch (error) {
        if (!(error instanceof NetworkFailure)) throw error;
        last = error;
      }
      const delayMs = delayBefore(attempt, last, options);
      if (!last.isTransient || attempt >= attempts) throw finalError(url, last, attempt);
      if (clock.now() + delayMs >= deadline) throw outOfTime(url, last, options, timeoutMs, delayMs);
      options.onRetry?.({ attempt, attempts, delayMs, failure: last });
      await pause(clock, delayMs, limit.signal);
    }
  } catch (error) {
    if (limit.isExpired && !(error instanceof LockError)) throw expired(url, last, options, timeoutMs);
    throw error;
  } finally {
    limit.dispose();
  }
}

function headersOf(headers: FetchOptions['headers'] = {}): () => Readonly<Record<string, string>> {
  return typeof headers === 'function' ? headers : () => headers;
}

/** The whole body in memory. See {@link fetchRetrying}. */
export async function fetchBytes(
  url: string | URL,
  options: FetchOptions,
): Promise<Omit<Answer, 'body'> & { readonly body: Buffer }> {
  return fetchRetrying(url, options, async ({ body, ...answer }) => {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    return { ...answer, body: Buffer.concat(chunks) };
  });
}

function delayBefore(attempt: number, failure: NetworkFailure, options: FetchOptions): number {
  const backoff = { firstMs: options.firstRetryMs ?? FETCH_FIRST_RETRY_MS, capMs: FETCH_RETRY_CAP_MS };
  // Not earlier than the server asked, and not all clients in the same instant either.
  return Math.max(failure.retryAfterMs ?? 0, 0) + backoffDelayMs(attempt, backoff, options.random);
}

function networkError(url: string | URL, fact: string, nextStep: string, cause: unknown): LockError {
  const resource = displayUrl(url);
  return new LockError(`Could not fetch "${resource}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_NETWORK',
    resource,
    cause,
  });
}

const NEXT_STEPS: Partial<Record<NetworkFailure['kind'], string>> = {
  'too-large': 'Raise the limit if that is right (maxSizeBytes, or --max-size of the command)',
  proxy: 'Correct http_proxy, https_proxy or no_proxy; a name and password stand in the URL of the proxy',
  protocol: 'Check the URL and its port',
  certificate: "Check the server's certificate; name an authority of your own in NODE_EXTRA_CA_CERTS",
};

function finalError(url: string | URL, failure: NetworkFailure, attempts: number): LockError {
  if (!failure.isTransient) {
    return networkError(
      url,
      failure.message,
      NEXT_STEPS[failure.kind] ?? 'Check the URL; asking again would not help',
      failure,
    );
  }
  const times = attempts === 1 ? 'once' : `${attempts} times`;
  return networkError(url, `${failure.message} (tried ${times})`, 'Try again later', failure);
}

function describeTimeout(options: FetchOptions, timeoutMs: number): string {
  return `timeout ${formatDuration(options.statedTimeoutMs ?? timeoutMs)} (${options.timeoutSource ?? 'default'})`;
}

function outOfTime(
  url: string | URL,
  failure: NetworkFailure,
  options: FetchOptions,
  timeoutMs: number,
  delayMs: number,
): LockError {
  const limit = describeTimeout(options, timeoutMs);
  const fact = `${failure.message}, and the next try in ${formatDuration(delayMs)} would come after the ${limit}`;
  const { kind, status, retryAfterMs } = failure;
  const cause = new NetworkFailure(failure.message, {
    kind,
    status,
    retryAfterMs,
    isTransient: true,
    isOwnLimit: true,
    cause: failure,
  });
  return networkError(url, fact, 'Try again later, or raise the timeout', cause);
}

function expired(
  url: string | URL,
  last: NetworkFailure | undefined,
  options: FetchOptions,
  timeoutMs: number,
): LockError {
  const limit = describeTimeout(options, timeoutMs);
  const before = last === undefined ? '' : `; before that ${last.message}`;
  const cause = new NetworkFailure(`the ${limit} has passed`, {
    kind: 'timeout',
    isTransient: true,
    isOwnLimit: true,
  });
  return networkError(
    url,
    `it timed out: no complete answer within the ${limit}${before}`,
    'Try again later, or raise the timeout',
    cause,
  );
}
