import { isUtf8 } from 'node:buffer';

import type { CacheContent, PayloadFormat } from './format.js';

/** A payload in the form in which the file carries it. */
export interface Payload {
  readonly format: PayloadFormat;
  /** JSON text. */
  readonly data: Buffer;
}

/** @throws TypeError for what JSON cannot say. */
export function payloadOfValue(value: unknown): Payload {
  const text = JSON.stringify(value) as string | undefined;
  if (text === undefined) throw new TypeError(`JSON has no form for ${typeof value}.`);
  return { format: 'json', data: Buffer.from(text) };
}

/** How a body is to be understood. `auto`: JSON where it is JSON, else text where it is UTF-8, else bytes. */
export type BodyFormat = 'json' | 'text' | 'bytes' | 'auto';

/** Undefined when the body is not what `format`, or its own content type, says. JSON is kept to the letter. */
export function payloadOfBody(
  body: Buffer,
  format: BodyFormat,
  contentType: string | null,
): Payload | undefined {
  const mustBeJson = format === 'json' || (format === 'auto' && /[/+]json\b/i.test(contentType ?? ''));
  if (mustBeJson || format === 'auto') {
    const json = jsonTextOf(body);
    if (json !== undefined) return { format: 'json', data: json };
    if (mustBeJson) return undefined;
  }
  if (format === 'text' || (format === 'auto' && isUtf8(body))) {
    return isUtf8(body) ? { format: 'text', data: Buffer.from(JSON.stringify(body.toString())) } : undefined;
  }
  return { format: 'base64', data: Buffer.from(`"${body.toString('base64')}"`) };
}

function jsonTextOf(body: Buffer): Buffer | undefined {
  if (!isUtf8(body)) return undefined;
  const text = body
    .toString()
    .replace(/^\uFEFF/, '')
    .trim();
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return Buffer.from(text);
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

/** What a person or a pipe gets: the very bytes of a text or of binary data, the text of JSON. */
export function printable(content: CacheContent): Buffer {
  if (content.meta.format === 'json') return Buffer.concat([content.data, Buffer.from('\n')]);
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
