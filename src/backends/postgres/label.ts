import type { HolderInfo } from '../../core/backend.js';
import { decodeHolderInfo, encodeHolder } from '../../platform/holder-record.js';

/** pg_stat_activity keeps this much of a statement (track_activity_query_size). */
const LABEL_MAX_CHARS = 900;
const LABEL = /^\/\*holdfast:([A-Za-z0-9_-]+)\*\//;
const FORMAT = 1;
const SIGN = /^holdfast ([a-z2-7]{26})$/;

/** What a session says of the process behind it. */
export type ProcessInfo = Omit<HolderInfo, 'state' | 'mode'>;

let label: string | undefined;

/**
 * A comment that opens every statement, so that pg_stat_activity shows which process is behind a session. Its alphabet
 * cannot end the comment. The same for all statements of a process: the server keeps few texts parsed.
 */
export function processLabel(): string {
  if (label === undefined) {
    label = encode(encodeHolder(undefined, { reason: undefined }));
    if (label.length > LABEL_MAX_CHARS) label = encode('{}');
  }
  return label;
}

function encode(note: string): string {
  return `/*holdfast:${Buffer.from(JSON.stringify([FORMAT, note])).toString('base64url')}*/`;
}

/** The process behind a statement as pg_stat_activity shows it; undefined when it is none of ours. */
export function readLabel(query: unknown): ProcessInfo | undefined {
  const body = typeof query === 'string' ? LABEL.exec(query)?.[1] : undefined;
  if (body === undefined) return undefined;
  try {
    const [format, note] = JSON.parse(Buffer.from(body, 'base64url').toString()) as unknown[];
    return format === FORMAT && typeof note === 'string' ? decodeHolderInfo(note) : {};
  } catch {
    return {};
  }
}

/** A session's `application_name`. */
export function signOf(sessionId: string): string {
  return `holdfast ${sessionId}`;
}

/** The id in a sign; undefined for a session that is none of ours. */
export function readSign(applicationName: unknown): string | undefined {
  return typeof applicationName === 'string' ? SIGN.exec(applicationName)?.[1] : undefined;
}
