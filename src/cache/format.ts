import { createHash } from 'node:crypto';

import { hasFields, isAmount, isFlag, isOneOf, isText, isWallClockMs, optional } from '../core/fields.js';

/** Number of the file's format. A file of another one is not read but fetched anew. */
export const CACHE_SCHEMA = 2;

const GENERATION_WIDTH = 16;
const LENGTH_WIDTH = 16;
const CONTENT_ID = /^[a-z2-7]{26}$/;
const HASH = /^[0-9a-f]{64}$/;

/** The first line: of fixed size, so that one short read shows whether anything has changed. */
export interface CacheHeader {
  /** Rises with every write of this file. */
  readonly generation: number;
  /** Random, new with every write: equal means the same write. */
  readonly contentId: string;
  /** Bytes of the payload's text, as it stands behind `"data":`. */
  readonly length: number;
  /** SHA-256 of those bytes, in hexadecimal. */
  readonly sha256: string;
  /** SHA-256 of the text of `meta`. */
  readonly metaSha256: string;
}

/** How `data` carries the payload: itself, a JSON string, or a JSON string of base64. */
export type PayloadFormat = 'json' | 'text' | 'base64';

/** The second line. */
export interface CacheMeta {
  readonly format: PayloadFormat;
  /** Wall clock, milliseconds since 1970. */
  readonly fetchedAtMs: number;
  /** Milliseconds; null: fresh for ever; `server`: as `server` says. */
  readonly ttlMs?: number | null | 'server' | undefined;
  /** What the server's own headers say, for `ttlMs: 'server'`. */
  readonly server?:
    | {
        readonly ttlMs: number;
        readonly mustRevalidate: boolean;
        /** Those that say so, because a 304 may leave them out. */
        readonly headers?: Readonly<Record<string, string>> | undefined;
      }
    | undefined;
  /** A byte order mark stood before the payload. */
  readonly hasByteOrderMark?: boolean | undefined;
  readonly contentType?: string | undefined;
  /** When the fetch began and ended, on the clock of one boot of one host. */
  readonly fetch: { readonly bootId: string | undefined; readonly beganMs: number; readonly endedMs: number };
  /** Where it came from, without credentials. */
  readonly source?: string | undefined;
  /** Identity of the request; see `requestIdentity`. The payload is given out to the same request only. */
  readonly sourceId?: string | undefined;
  /** {@link urlIdentity} of the URL that answered, after all redirects: `etag` and `lastModified` are its own. */
  readonly answeredBy?: string | undefined;
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
  readonly fencingToken?: string | undefined;
}

export interface CacheContent {
  /** The bytes of the first line. */
  readonly head: Buffer;
  readonly header: CacheHeader;
  readonly meta: CacheMeta;
  /** The JSON text of the payload. */
  readonly data: Buffer;
}

export type Decoded =
  | { readonly kind: 'ok'; readonly content: CacheContent }
  | { readonly kind: 'broken'; readonly fact: string; readonly generation: number | undefined };

const DATA_PREFIX = '"data":';
const END = '\n}\n';

export const HEADER_BYTES = Buffer.byteLength(
  headerLine({
    generation: 0,
    contentId: 'a'.repeat(26),
    length: 0,
    sha256: '0'.repeat(64),
    metaSha256: '0'.repeat(64),
  }),
);

export function encodeCache(
  facts: { readonly generation: number; readonly contentId: string },
  meta: CacheMeta,
  data: Buffer,
): { bytes: Buffer; content: CacheContent } {
  const metaText = JSON.stringify(meta);
  const header = { ...facts, length: data.length, sha256: sha256(data), metaSha256: sha256(metaText) };
  const head = Buffer.from(headerLine(header));
  const bytes = Buffer.concat([
    head,
    Buffer.from(`"meta":${metaText},\n${DATA_PREFIX}`),
    data,
    Buffer.from(END),
  ]);
  return { bytes, content: { head, header, meta, data } };
}

/** Numbers are padded with spaces, which JSON allows before a value; leading zeros it does not. */
function headerLine({ generation, contentId, length, sha256: hash, metaSha256 }: CacheHeader): string {
  const numbers = [String(generation).padStart(GENERATION_WIDTH), String(length).padStart(LENGTH_WIDTH)];
  return `{"schema":${CACHE_SCHEMA},"generation":${numbers[0]},"contentId":"${contentId}","length":${numbers[1]},"sha256":"${hash}","metaSha256":"${metaSha256}",\n`;
}

/** Looks at every byte: what passes here is what one refresh has written. */
export function decodeCache(bytes: Buffer): Decoded {
  const broken = (fact: string): Decoded => ({ kind: 'broken', fact, generation: generationIn(bytes) });
  if (bytes.length === 0) return broken('it is empty');
  const schema = /^\{"schema":\s*(\d+)/.exec(bytes.toString('latin1', 0, 64))?.[1];
  if (schema === undefined) return broken('it is no cache file');
  if (Number(schema) !== CACHE_SCHEMA)
    return broken(`its schema is ${schema}, and this version reads ${CACHE_SCHEMA}`);
  const header = decodeHeader(bytes.subarray(0, HEADER_BYTES));
  if (header === undefined) return broken('its first line is damaged');
  const metaEnd = bytes.indexOf('\n', HEADER_BYTES);
  const dataStart = metaEnd + 1 + DATA_PREFIX.length;
  const dataEnd = dataStart + header.length;
  if (metaEnd < 0 || bytes.length < dataEnd + END.length) return broken('it is cut short');
  const isFramed =
    bytes.toString('latin1', metaEnd + 1, dataStart) === DATA_PREFIX &&
    bytes.toString('latin1', dataEnd) === END;
  if (!isFramed) return broken('its payload does not have the length that it should');
  const data = bytes.subarray(dataStart, dataEnd);
  if (sha256(data) !== header.sha256) return broken('its payload does not have the SHA-256 that it should');
  const meta = decodeMeta(bytes.subarray(HEADER_BYTES, metaEnd), header.metaSha256);
  if (meta === undefined) return broken('its second line is damaged');
  const head = Buffer.from(bytes.subarray(0, HEADER_BYTES));
  return { kind: 'ok', content: { head, header, meta, data } };
}

/** Undefined unless every field is as this version writes it. */
export function decodeHeader(line: Buffer): CacheHeader | undefined {
  if (line.length !== HEADER_BYTES) return undefined;
  let header: CacheHeader;
  try {
    header = JSON.parse(`${line.toString('latin1').slice(0, -2)}}`) as CacheHeader;
  } catch {
    return undefined;
  }
  const { generation, contentId, length, sha256: hash, metaSha256 } = header;
  const isWhole =
    [generation, length].every((number) => Number.isSafeInteger(number) && number >= 0) &&
    [hash, metaSha256].every((text) => typeof text === 'string' && HASH.test(text)) &&
    typeof contentId === 'string' &&
    CONTENT_ID.test(contentId);
  return isWhole && headerLine(header) === line.toString('latin1') ? header : undefined;
}

function decodeMeta(line: Buffer, hash: string): CacheMeta | undefined {
  const text = /^"meta":(.*),$/s.exec(line.toString())?.[1];
  if (text === undefined || sha256(text) !== hash) return undefined;
  try {
    const meta = JSON.parse(text) as CacheMeta;
    return hasFields(meta, META_FIELDS) ? meta : undefined;
  } catch {
    return undefined;
  }
}

const META_FIELDS = {
  format: isOneOf(['json', 'text', 'base64']),
  fetchedAtMs: isWallClockMs,
  ttlMs: (value: unknown) => value === null || value === 'server' || optional(isAmount)(value),
  server: optional((value) =>
    hasFields(value, { ttlMs: isAmount, mustRevalidate: isFlag, headers: optional(isTexts) }),
  ),
  hasByteOrderMark: optional(isFlag),
  contentType: optional(isText),
  fetch: (value: unknown) =>
    hasFields(value, { bootId: optional(isText), beganMs: isAmount, endedMs: isAmount }),
  source: optional(isText),
  sourceId: optional(isText),
  answeredBy: optional(isText),
  etag: optional(isText),
  lastModified: optional(isText),
  fencingToken: optional((value) => typeof value === 'string' && /^\d{1,20}$/.test(value)),
};

function isTexts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.values(value).every(isText);
}

/** What can still be read of it in a damaged file, so that the next generation is higher. */
function generationIn(bytes: Buffer): number | undefined {
  const digits = /"generation":\s*(\d{1,15})\b/.exec(bytes.toString('latin1', 0, HEADER_BYTES))?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** For the fencing check, which must not be fooled by a payload that is damaged. */
export function fencingTokenIn(bytes: Uint8Array): bigint | undefined {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const metaEnd = head.indexOf('\n', HEADER_BYTES);
  if (metaEnd < 0) return undefined;
  const header = decodeHeader(head.subarray(0, HEADER_BYTES));
  const meta = header && decodeMeta(head.subarray(HEADER_BYTES, metaEnd), header.metaSha256);
  return meta?.fencingToken === undefined ? undefined : BigInt(meta.fencingToken);
}

function sha256(data: Buffer | string): string {
  return createHash('sha256').update(data).digest('hex');
}
