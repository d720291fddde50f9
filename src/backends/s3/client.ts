import type { AwsV4Signer } from 'aws4fetch';
import type { Dispatcher } from 'undici';

import type { Clock } from '../../core/time.js';
import { dispatcherFor } from '../../net/dispatcher.js';
import { SilentServerError } from '../../net/unavailable.js';
import { urlOf, type S3Config } from './config.js';
import type { CredentialSource } from './credentials.js';

export interface S3Request {
  readonly method: 'DELETE' | 'GET' | 'HEAD' | 'PUT';
  /** Undefined: the bucket itself. */
  readonly key?: string;
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly budgetMs: number;
}

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Uint8Array;
  /** Of an error: `NoSuchKey`, `SlowDown`. */
  readonly code: string | undefined;
}

/** The request never left this process. */
export class NotSentError extends Error {}

/** More than a listing of a thousand keys, or any object of ours. */
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;

/** Failures of a connection before the first byte could be sent. */
const NEVER_SENT = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

/**
 * Signed requests to one bucket. Each is sent once: neither a client nor a library may repeat a write here, since the
 * second would be refused because of the first.
 */
export class S3Client {
  readonly config: S3Config;
  readonly #credentials: CredentialSource;
  readonly #clock: Clock;
  /** What the server's clock is ahead of ours: a signature is valid for some minutes only. */
  #skewMs = 0;
  #signer: Promise<typeof AwsV4Signer> | undefined;

  constructor(config: S3Config, credentials: CredentialSource, clock: Clock) {
    this.config = config;
    this.#credentials = credentials;
    this.#clock = clock;
  }

  /** The same store, reached a little differently. */
  with(change: Partial<S3Config>): S3Client {
    return new S3Client({ ...this.config, ...change }, this.#credentials, this.#clock);
  }

  /** @throws NotSentError; SilentServerError, or the client's own error, when no answer came. */
  async send(request: S3Request): Promise<S3Answer> {
    const endsAt = this.#clock.now() + request.budgetMs;
    const answer = await this.#once(request, request.budgetMs);
    // Refused before it was looked at. The clock of this machine is wrong, or the store's: signing by its own is enough.
    if (answer.code !== 'RequestTimeTooSkewed' || !this.#learnSkew(answer)) return answer;
    return this.#once(request, Math.max(1, endsAt - this.#clock.now()));
  }

  #learnSkew(answer: S3Answer): boolean {
    const date = answer.headers['date'];
    const theirs = typeof date === 'string' ? Date.parse(date) : Number.NaN;
    if (Number.isNaN(theirs)) return false;
    this.#skewMs = theirs - this.#clock.wallNow();
    return true;
  }

  async #once(request: S3Request, budgetMs: number): Promise<S3Answer> {
    const controller = new AbortController();
    const timer = this.#clock.setTimer(budgetMs, () => controller.abort(new SilentServerError(budgetMs)));
    let isSent = false;
    try {
      const signed = await this.#sign(request);
      const dispatcher = await dispatcherFor(new URL(this.config.endpoint).protocol, false);
      isSent = true;
      const answer = await dispatcher.request({ ...signed, signal: controller.signal });
      return await read(answer, request.method);
    } catch (error) {
      if (!isSent || NEVER_SENT.has(codeOf(error) ?? '')) {
        throw new NotSentError('the request was not sent', { cause: error });
      }
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      timer.clear();
    }
  }

  async #sign(request: S3Request): Promise<Dispatcher.RequestOptions> {
    const { method, key, query, headers, body } = request;
    const [Signer, { accessKeyId, secretAccessKey, sessionToken }] = await Promise.all([
      (this.#signer ??= import('aws4fetch').then((loaded) => loaded.AwsV4Signer)),
      this.#credentials(),
    ]);
    const now = new Date(this.#clock.wallNow() + this.#skewMs);
    const signer = new Signer({
      method,
      url: urlOf(this.config, key, query),
      headers: { ...headers },
      ...(body !== undefined && { body: body as string }),
      accessKeyId,
      secretAccessKey,
      ...(sessionToken !== undefined && { sessionToken }),
      service: 's3',
      region: this.config.region,
      datetime: now.toISOString().replace(/[:-]|\.\d{3}/g, ''),
    });
    const signed = await signer.sign();
    return {
      origin: signed.url.origin,
      path: signed.url.pathname + signed.url.search,
      method,
      headers: Object.fromEntries(signed.headers as unknown as Iterable<[string, string]>),
      body: body ?? null,
    };
  }
}

async function read(
  { statusCode, headers, body }: Dispatcher.ResponseData,
  method: S3Request['method'],
): Promise<S3Answer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > ANSWER_BYTES_MAX) throw new Error('the answer is too long');
    chunks.push(chunk);
  }
  const bytes = Buffer.concat(chunks);
  const isError = statusCode >= 300 && method !== 'HEAD';
  const code = isError ? /<Code>([\w.]{1,100})<\/Code>/.exec(bytes.toString('latin1'))?.[1] : undefined;
  return { status: statusCode, headers, bytes, code };
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  const errors = (error as { errors?: unknown } | null)?.errors;
  return Array.isArray(errors) && errors.length > 0 ? codeOf(errors[0]) : undefined;
}
