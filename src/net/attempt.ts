import type { Clock } from '../core/time.js';
import { deadlineSignal, type DeadlineSignal } from './deadline.js';
import { connectionFailure, NetworkFailure, statusFailure } from './network-failure.js';
import { retryAfterMs } from './retry-after.js';
import { splitCredentials } from './url.js';

export interface Progress {
  readonly receivedBytes: number;
  /** Undefined where the server does not say. */
  readonly totalBytes: number | undefined;
}

/** What an answer offers to the one who consumes it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** The body, decoded. Ends only when it is complete: a body that was cut short throws. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface AttemptOptions {
  readonly clock: Clock;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly requestBody: string | Uint8Array | undefined;
  /** Statuses besides 200 to 299 that are answers, not failures. */
  readonly acceptedStatus: readonly number[];
  readonly idleTimeoutMs: number;
  readonly maxSizeBytes: number;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** @throws NetworkFailure, the reason of `signal`, or what `consume` throws. */
export async function attemptFetch<T>(
  url: string | URL,
  options: AttemptOptions,
  consume: (answer: Answer) => Promise<T>,
): Promise<T> {
  const { clock, signal, idleTimeoutMs } = options;
  const idle = deadlineSignal(clock, idleTimeoutMs, signal);
  let response: Response | undefined;
  try {
    response = await send(url, options, idle);
    const { status, headers } = response;
    if (!response.ok && !options.acceptedStatus.includes(status)) {
      throw statusFailure(
        status,
        response.statusText,
        retryAfterMs(headers.get('retry-after'), clock.wallNow()),
      );
    }
    return await consume({ status, headers, body: bodyOf(response, options, idle) });
  } finally {
    idle.dispose();
    // Frees the connection of a body that nobody read to its end.
    if (response?.body?.locked === false) await response.body.cancel().catch(() => undefined);
  }
}

async function send(url: string | URL, options: AttemptOptions, idle: DeadlineSignal): Promise<Response> {
  const { url: plain, authorization } = splitCredentials(url);
  const headers = new Headers(options.headers);
  if (authorization !== undefined && !headers.has('authorization'))
    headers.set('authorization', authorization);
  try {
    return await fetch(plain, {
      method: options.method,
      headers,
      signal: idle.signal,
      ...(options.requestBody !== undefined && {
        body: options.requestBody as NonNullable<RequestInit['body']>,
      }),
    });
  } catch (error) {
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (idle.isExpired) throw silence(options.idleTimeoutMs, 'did not answer');
    throw connectionFailure(error);
  }
}

async function* bodyOf(
  response: Response,
  options: AttemptOptions,
  idle: DeadlineSignal,
): AsyncGenerator<Uint8Array> {
  const { maxSizeBytes, onProgress, idleTimeoutMs } = options;
  const totalBytes = sizeOf(response);
  if (totalBytes !== undefined && totalBytes > maxSizeBytes) throw tooLarge(totalBytes, maxSizeBytes);
  let receivedBytes = 0;
  const reader = response.body?.getReader();
  if (reader === undefined) return;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      idle.extend(idleTimeoutMs);
      receivedBytes += value.length;
      if (receivedBytes > maxSizeBytes) throw tooLarge(receivedBytes, maxSizeBytes);
      onProgress?.({ receivedBytes, totalBytes });
      yield value;
    }
  } catch (error) {
    if (error instanceof NetworkFailure) throw error;
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (idle.isExpired) throw silence(idleTimeoutMs, 'fell silent in the middle of the body');
    throw cutShort(receivedBytes, totalBytes, error);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
  if (totalBytes !== undefined && receivedBytes < totalBytes) throw cutShort(receivedBytes, totalBytes);
}

/** Undefined when the length is that of a compressed form: what we count is decoded. */
function sizeOf(response: Response): number | undefined {
  const text = response.headers.get('content-length');
  if (text === null || response.headers.has('content-encoding')) return undefined;
  return /^\d+$/.test(text) ? Number(text) : undefined;
}

function silence(idleTimeoutMs: number, what: string): NetworkFailure {
  return new NetworkFailure(`the server ${what} for ${Number((idleTimeoutMs / 1_000).toFixed(3))} s`, {
    kind: 'timeout',
    isTransient: true,
  });
}

function cutShort(receivedBytes: number, totalBytes: number | undefined, cause?: unknown): NetworkFailure {
  const whole = totalBytes === undefined ? '' : ` of ${totalBytes}`;
  return new NetworkFailure(`the body was cut short after ${receivedBytes}${whole} bytes and was refused`, {
    kind: 'cut-short',
    isTransient: true,
    cause,
  });
}

function tooLarge(sizeBytes: number, maxSizeBytes: number): NetworkFailure {
  return new NetworkFailure(`the body has ${sizeBytes} bytes or more, and the limit is ${maxSizeBytes}`, {
    kind: 'too-large',
    isTransient: false,
  });
}
