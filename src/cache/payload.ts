import { isUtf8 } from 'node:buffer';

import type { CacheContent, PayloadFormat } from './format.js';

/** A payload in the form in which the file carries it. */
export interface Payload {
  readonly format: PayloadFormat;
  /** JSON text. */
  readonly data: Buffer;
}

/** @throws TypeError for a value that would not come back equal from JSON, naming its place. */
export function payloadOfValue(value: unknown): Payload {
  const text = JSON.stringify(value, refuseWhatJsonChanges) as string | undefined;
  if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}.`);
  return { format: 'json', data: Buffer.from(text) };
}

/** JSON.stringify would write `{}` for a Map and `null` for NaN. An undefined property is left out, as usual. */
function refuseWhatJsonChanges(this: Record<string, unknown>, key: string, value: unknown): unknown {
  // As it was before its own toJSON.
  const original = this[key];
  const place = key === '' ? 'the value' : `"${key}"`;
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TypeError(`JSON has no form for ${value}, which ${place} is.`);
  if (typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint')
    throw new TypeError(`JSON has no form for a ${typeof value}, which ${place} is.`);
  if (original instanceof Map || original instanceof Set || ArrayBuffer.isView(original))
    throw new TypeError(
      `JSON has no form for a ${original.constructor.name}, which ${place} is. Convert it to an array first.`,
    );
  if (value === undefined && Array.isArray(this))
    throw new TypeError(`JSON has no form for undefined, which ${place} of a list is.`);
  return value;
}

/**
 * How a body is understood. `auto`: what it was before, if this request has a payload already; else text for `text/plain`,
 * JSON where it is JSON, text where it is UTF-8, and bytes.
 */
export type BodyFormat = 'json' | 'text' | 'bytes' | 'auto';

/** Whether a payload in the file is what a caller of `wanted` asked for. */
export function isOfFormat(stored: PayloadFormat, wanted: BodyFormat): boolean {
  return wanted === 'auto' || stored === (wanted === 'bytes' ? 'base64' : wanted);
}

/** What is known of a body besides its bytes. */
export interface BodyFacts {
  readonly contentType: string | null;
  /** The payload that this request had before. */
  readonly previous:
    { readonly format: PayloadFormat; readonly contentType?: string | undefined } | undefined;
}

const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

/** The payload, to the byte; or, as text for people, what was expected instead of this body. */
export function payloadOfBody(
  body: Buffer,
  wanted: BodyFormat,
  { contentType, previous }: BodyFacts,
): (Payload & { readonly hasByteOrderMark: boolean }) | string {
  const hasByteOrderMark = body.subarray(0, 3).equals(UTF8_MARK);
  const format = wanted === 'auto' ? formatOf(body, contentType, previous) : wanted;
  if (wanted === 'auto' && isHtml(contentType) && previous !== undefined && !isHtml(previous.contentType))
    return `${previous.contentType ?? 'what it was before'}`;
  switch (format) {
    case 'json': {
      const data = hasByteOrderMark ? body.subarray(3) : body;
      return isJson(data) ? { format: 'json', data, hasByteOrderMark } : 'JSON';
    }
    case 'text':
      if (!isUtf8(body)) return 'UTF-8 text';
      return { format, data: Buffer.from(JSON.stringify(body.toString())), hasByteOrderMark: false };
    case 'bytes':
      return { format: 'base64', data: Buffer.from(`"${body.toString('base64')}"`), hasByteOrderMark: false };
  }
}

/** A refresh never changes the format by itself: a login page is not the new form of a list. */
function formatOf(
  body: Buffer,
  contentType: string | null,
  previous: BodyFacts['previous'],
): Exclude<BodyFormat, 'auto'> {
  if (previous !== undefined) return previous.format === 'base64' ? 'bytes' : previous.format;
  if (/[/+]json\b/i.test(contentType ?? '')) return 'json';
  if (/^text\/(?!json)/i.test(contentType ?? '') && isUtf8(body)) return 'text';
  if (isJson(body)) return 'json';
  return isUtf8(body) ? 'text' : 'bytes';
}

function isHtml(contentType: string | null | undefined): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(contentType ?? '');
}

function isJson(body: Buffer): boolean {
  if (!isUtf8(body)) return false;
  try {
    JSON.parse(body.toString());
    return true;
  } catch {
    return false;
  }
}

/** The value: of JSON frozen to its depth, because all callers of one process share it. */
export function valueOf(content: CacheContent): unknown {
  const value = JSON.parse(content.data.toString()) as unknown;
  switch (content.meta.format) {
    case 'json':
      return deepFreeze(value);
    case 'text':
      return value;
    case 'base64':
      return Buffer.from(value as string, 'base64');
  }
}

/** The very bytes that the source delivered. */
export function bytesOf(content: CacheContent): Buffer {
  const { format, hasByteOrderMark } = content.meta;
  if (format === 'json')
    return hasByteOrderMark === true ? Buffer.concat([UTF8_MARK, content.data]) : content.data;
  const value = valueOf(content) as string | Buffer;
  return typeof value === 'string' ? Buffer.from(value) : value;
}

/** Iterative: JSON may be nested deeper than the stack. */
function deepFreeze(root: unknown): unknown {
  const open = [root];
  for (let value = open.pop(); open.length > 0 || value !== undefined; value = open.pop()) {
    if (typeof value !== 'object' || value === null) continue;
    Object.freeze(value);
    for (const inner of Object.values(value))
      if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return root;
}
