import { decodeBody, encodeBody, type Body } from '../register/body.js';
import type { Reading, Register, Version, Written } from '../register/register.js';
import { NotSentError, type S3Answer, type S3Client } from './client.js';
import { keyOf, type S3Config } from './config.js';
import { S3Refusal } from './errors.js';
import { listedNames } from './list.js';

const MISSING = new Set(['NoSuchKey', 'NotFound', undefined]);
/** Refused for good, whatever is there: nothing was changed. */
const REFUSED = new Set([400, 401, 403, 405, 411, 413, 414, 501]);

/** One object per name; its ETag is the version. */
export class S3Register implements Register {
  readonly #client: S3Client;

  constructor(client: S3Client) {
    this.#client = client;
  }

  async read(name: string, known: Reading | undefined, budgetMs: number): Promise<Reading> {
    const key = keyOf(this.#client.config, name);
    const tag = known === undefined || known.kind === 'absent' ? undefined : known.version;
    const headers = tag === undefined ? {} : { 'if-none-match': this.#tag(tag) };
    const answer = await this.#client.send({ method: 'GET', key, headers, budgetMs });
    if (answer.status === 304 && known !== undefined) return known;
    if (answer.status === 404 && MISSING.has(answer.code)) return { kind: 'absent' };
    const version = etagOf(answer);
    if (answer.status !== 200 || version === undefined) throw new S3Refusal(answer);
    const decoded = decodeBody(Buffer.from(answer.bytes).toString('utf8'));
    if ('format' in decoded) return { kind: 'foreign', format: decoded.format, version };
    return { kind: 'value', body: decoded, version };
  }

  write(name: string, body: Body, version: Version | undefined, budgetMs: number): Promise<Written> {
    return this.put(keyOf(this.#client.config, name), encodeBody(body), version, budgetMs);
  }

  list(): Promise<readonly string[]> {
    return listedNames(this.#client);
  }

  /** A conditional write of any text. */
  async put(key: string, body: string, version: Version | undefined, budgetMs: number): Promise<Written> {
    const condition = version === undefined ? { 'if-none-match': '*' } : { 'if-match': this.#tag(version) };
    const headers = { 'content-type': 'application/json', ...condition };
    let answer: S3Answer;
    try {
      answer = await this.#client.send({ method: 'PUT', key, headers, body, budgetMs });
    } catch (error) {
      if (error instanceof NotSentError) throw error;
      return { kind: 'unknown', error };
    }
    return writtenOf(answer, version);
  }

  #tag(version: Version): string {
    return tagHeader(this.#client.config, version);
  }
}

function writtenOf(answer: S3Answer, version: Version | undefined): Written {
  const { status } = answer;
  const etag = etagOf(answer);
  if (status >= 200 && status < 300 && etag !== undefined) return { kind: 'landed', version: etag };
  if (status === 412) return { kind: 'conflict' };
  // A race was under way and this write was not part of its outcome, or there is nothing to match.
  if (status === 409 || status === 429) return { kind: 'not-landed' };
  if (status === 404 && version !== undefined && MISSING.has(answer.code)) return { kind: 'conflict' };
  const refusal = new S3Refusal(answer);
  if (REFUSED.has(status) || status === 404 || (status >= 300 && status < 400)) throw refusal;
  return { kind: 'unknown', error: refusal };
}

/** A tag in the way that the store compares it. */
export function tagHeader({ isUnquoted }: S3Config, version: Version): string {
  return isUnquoted === true ? version.replaceAll('"', '') : version;
}

/** Always with quotes, however the store writes it. */
export function etagOf({ headers }: S3Answer): string | undefined {
  const etag = headers['etag'];
  if (typeof etag !== 'string' || etag === '') return undefined;
  return etag.includes('"') ? etag : `"${etag}"`;
}
