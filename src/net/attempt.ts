import type { Clock } from '../core/time.js';
import { deadlineSignal, type DeadlineSignal } from './deadline.js';
import { DECODABLE, decoded } from './decode.js';
import { exchange, type ExchangeRequest, type RawAnswer } from './exchange.js';
import { connectionFailure, NetworkFailure, statusFailure } from './network-failure.js';
import { retryAfterMs } from './retry-after.js';

/** How far a download is. */
export interface Progress {
  /** Bytes received so far in this attempt. */
  readonly receivedBytes: number;
  /** Undefined where the server does not say. */
  readonly totalBytes: number | undefined;
}

/** What an answer offers to its consumer. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Of the last request, after all redirects; without credentials and fragment. */
  readonly url: string;
  /** The body, decoded unless `isRaw`. Ends only when it is complete: a body that was cut short throws. */
  readonly body: AsyncIterable<Uint8Array>;
}

export interface AttemptOptions {
  readonly clock: Clock;
  readonly method: string;
  /** Asked for before each attempt. */
  readonly headers: () => Readonly<Record<string, string>>;
  readonly conditions: ExchangeRequest['conditions'];
  readonly requestBody: string | Uint8Array | undefined;
  /** Statuses besides 200 and 203 that are answers, not failures. */
  readonly acceptedStatus: readonly number[];
  /** The bytes as they come over the wire, and no encoding is asked for. */
  readonly isRaw: boolean;
  readonly isDetached: boolean;
  readonly isVerified: boolean;
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
  let answer: RawAnswer | undefined;
  try {
    answer = await send(url, options, idle);
    const { status, statusText, headers } = answer;
    if (status !== 200 && status !== 203 && !options.acceptedStatus.includes(status))
      throw statusFailure(status, statusText, retryAfterMs(headers.get('retry-after'), clock.wallNow()));
    return await consume({ status, headers, url: answer.url, body: bodyOf(answer, options, idle) });
  } finally {
    idle.dispose();
    // Frees the connection of a body that was not read to its end.
    answer?.body.on('error', () => undefined).destroy();
  }
}

async function send(url: string | URL, options: AttemptOptions, idle: DeadlineSignal): Promise<RawAnswer> {
  try {
    return await exchange(url, {
      method: options.method,
      headers: { 'accept-encoding': options.isRaw ? 'identity' : DECODABLE, ...options.headers() },
      conditions: options.conditions,
      body: options.requestBody,
      signal: idle.signal,
      isDetached: options.isDetached,
      isVerified: options.isVerified,
    });
  } catch (error) {
    if (error instanceof NetworkFailure) throw error;
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (idle.isExpired) throw silence(options.idleTimeoutMs, 'did not answer');
    throw connectionFailure(error);
  }
}

async function* bodyOf(
  answer: RawAnswer,
  options: AttemptOptions,
  idle: DeadlineSignal,
): AsyncGenerator<Uint8Array> {
  const { maxSizeBytes, onProgress, idleTimeoutMs } = options;
  const encoding = options.isRaw ? null : answer.headers.get('content-encoding');
  const totalBytes = lengthOf(answer.headers);
  if (encoding === null && totalBytes !== undefined && totalBytes > maxSizeBytes)
    throw tooLarge(totalBytes, maxSizeBytes);
  let receivedBytes = 0;
  let decodedBytes = 0;
  answer.body.on('data', (chunk: Uint8Array) => {
    idle.extend(idleTimeoutMs);
    receivedBytes += chunk.length;
    onProgress?.({ receivedBytes, totalBytes });
  });
  try {
    for await (const chunk of decoded(answer.body, encoding) as AsyncIterable<Uint8Array>) {
      decodedBytes += chunk.length;
      if (decodedBytes > maxSizeBytes) throw tooLarge(decodedBytes, maxSizeBytes);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof NetworkFailure) throw error;
    if (options.signal?.aborted === true) throw options.signal.reason;
    if (idle.isExpired) throw silence(idleTimeoutMs, 'fell silent in the middle of the body');
    throw damaged(error, encoding) ?? cutShort(receivedBytes, totalBytes, error);
  }
  if (totalBytes !== undefined && receivedBytes < totalBytes) throw cutShort(receivedBytes, totalBytes);
}

/** As it comes over the wire: of the encoded form, where there is one. */
function lengthOf(headers: Headers): number | undefined {
  const text = headers.get('content-length');
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
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

/** A compressed form that is not cut but wrong, or was never one. */
function damaged(error: unknown, encoding: string | null): NetworkFailure | undefined {
  const { code, message } = error as NodeJS.ErrnoException;
  if (encoding === null || !(code === 'Z_DATA_ERROR' || code?.startsWith('ERR__ERROR_FORMAT_') === true))
    return undefined;
  return new NetworkFailure(`the body is no whole "${encoding}" and was refused (${message})`, {
    kind: 'request',
    isTransient: false,
    cause: error,
  });
}

function tooLarge(sizeBytes: number, maxSizeBytes: number): NetworkFailure {
  return new NetworkFailure(`the body has ${sizeBytes} bytes or more, and the limit is ${maxSizeBytes}`, {
    kind: 'too-large',
    isTransient: false,
  });
}
