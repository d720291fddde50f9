import { randomBytes } from 'node:crypto';

import type { S3Answer, S3Client, S3Config } from '../../backends/s3/index.js';
import { etagOf, NotSentError, S3Refusal } from '../../backends/s3/index.js';
import { sleep } from '../../platform/clock.js';
import { SERVER_ANSWER_MS } from '../../net/within.js';

/** What became of one write, as the store answered it. */
export interface Put {
  /** `landed` only with a 2xx; `unknown` may have been carried out. */
  readonly kind: 'landed' | 'refused' | 'unknown';
  /** The status, or `silent`. */
  readonly answer: string;
  readonly etag?: string | undefined;
  readonly text: string;
}

/** `*`: only where nothing is. Else a tag, sent as it is. */
export type Condition = { readonly create: true } | { readonly match: string };

/** Statuses by which a store says that the condition did not hold, or that it looked at nothing. */
const REFUSALS = new Set([400, 404, 409, 412, 429, 501]);
/** No answer to the question: no access, no bucket, a wrong signature. */
const NO_ANSWER = new Set([301, 307, 401, 403]);

/** One write a second is the narrowest limit that is known (Google). */
export const PATIENCE_MS = 250;
const PATIENCE_ROUNDS = 6;
/** Stores that say anything about it are consistent within a second. */
const SETTLE_ROUNDS = 20;
const SETTLE_MS = 100;

/** Objects of one verification, below a folder of their own that no lock has. */
export class Probes {
  readonly client: S3Client;
  readonly folder: string;
  readonly #signal: AbortSignal;
  readonly #written = new Set<string>();
  /** Requests so far. */
  requests = 0;

  /** @param signal ends it: no write is sent after that. */
  constructor(client: S3Client, signal: AbortSignal) {
    this.client = client;
    this.#signal = signal;
    const { prefix } = client.config;
    const id = randomBytes(8).toString('hex');
    this.folder = `${prefix === '' ? '' : `${prefix}/`}.holdfast-verify/${id}`;
  }

  key(name: string): string {
    return `${this.folder}/${name}`;
  }

  /** {@link put}, again while the store says that it gets too many writes: that is no answer to the condition. */
  async putPatiently(name: string, condition: Condition): Promise<Put> {
    for (let round = 1; ; round++) {
      const put = await this.put(name, condition);
      if (put.answer !== '429' || round === PATIENCE_ROUNDS) return put;
      await sleep(PATIENCE_MS * round);
    }
  }

  /** @throws S3Refusal when the store does not answer the question; NotSentError when it cannot be reached. */
  async put(name: string, condition: Condition): Promise<Put> {
    this.#signal.throwIfAborted();
    const key = this.key(name);
    const text = JSON.stringify({ holdfast: 'verify', nonce: randomBytes(16).toString('hex') });
    const headers: Record<string, string> =
      'create' in condition ? { 'if-none-match': '*' } : { 'if-match': condition.match };
    this.requests++;
    this.#written.add(key);
    let answer: S3Answer;
    try {
      answer = await this.client.send({
        method: 'PUT',
        key,
        headers,
        body: text,
        budgetMs: SERVER_ANSWER_MS,
      });
    } catch (error) {
      if (error instanceof NotSentError) throw error;
      return { kind: 'unknown', answer: 'silent', text };
    }
    const { status, code } = answer;
    const etag = etagOf(answer);
    const isElsewhere =
      code === 'NoSuchBucket' || code === 'AuthorizationHeaderMalformed' || NO_ANSWER.has(status);
    if (isElsewhere) throw new S3Refusal(answer);
    if (status >= 200 && status < 300) return { kind: 'landed', answer: String(status), etag, text };
    return { kind: REFUSALS.has(status) ? 'refused' : 'unknown', answer: String(status), text };
  }

  /** What is there; undefined for nothing. */
  async get(name: string): Promise<{ readonly text: string; readonly etag: string | undefined } | undefined> {
    const answer = await this.ask({ method: 'GET', key: this.key(name) });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw new S3Refusal(answer);
    return { text: Buffer.from(answer.bytes).toString('utf8'), etag: etagOf(answer) };
  }

  /** Whether `isRight` holds of what is there, at once or a little later: a reading may be old. */
  async settles(name: string, isRight: (text: string | undefined) => boolean): Promise<boolean> {
    for (let round = 1; ; round++) {
      if (isRight((await this.get(name))?.text)) return true;
      if (round === SETTLE_ROUNDS) return false;
      await sleep(SETTLE_MS);
    }
  }

  /** Any other request. */
  async ask(request: Omit<Parameters<S3Client['send']>[0], 'budgetMs'>): Promise<S3Answer> {
    this.requests++;
    return this.client.send({ ...request, budgetMs: SERVER_ANSWER_MS });
  }

  /** Removes all of them. Returns how many are left, because the store does not allow it or does not answer. */
  async remove(): Promise<number> {
    const keys = [...this.#written];
    let left = 0;
    const work = async (): Promise<void> => {
      for (let key = keys.pop(); key !== undefined; key = keys.pop()) {
        const answer = await this.ask({ method: 'DELETE', key }).catch(() => undefined);
        const isGone = answer !== undefined && (answer.status < 300 || answer.status === 404);
        if (!isGone) left++;
      }
    };
    await Promise.all(Array.from({ length: 8 }, work));
    return left;
  }
}

/** A tag as the store wants it. */
export function tagFor({ isUnquoted }: Pick<S3Config, 'isUnquoted'>, etag: string): string {
  return isUnquoted === true ? etag.replaceAll('"', '') : etag;
}
