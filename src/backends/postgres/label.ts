import type { HolderInfo } from '../../core/backend.js';
import { decodeHolderNote, encodeHolderNote } from '../../host/holder-note.js';

/** pg_stat_activity keeps this much of a statement (track_activity_query_size). */
const LABEL_MAX_CHARS = 900;
const LABEL = /^\/\*holdfast:([A-Za-z0-9_-]+)\*\//;

export interface LabelData {
  readonly holderId: string;
  readonly resource: string;
  readonly note: string;
}

/**
 * A comment that opens every statement of a hold, so that pg_stat_activity tells who is behind a session. Its alphabet
 * cannot end the comment.
 */
export function labelOf(data: LabelData): string {
  let label = encode(data);
  if (label.length > LABEL_MAX_CHARS) label = encode({ ...data, note: '' });
  return label.length > LABEL_MAX_CHARS ? encode({ ...data, note: '', resource: '' }) : label;
}

export function newLabel(
  resource: string,
  holderId: string,
  wallNow: number,
  reason: string | undefined,
): string {
  return labelOf({ holderId, resource, note: encodeHolderNote(wallNow, reason) });
}

function encode({ holderId, resource, note }: LabelData): string {
  return `/*holdfast:${Buffer.from(JSON.stringify([holderId, resource, note])).toString('base64url')}*/`;
}

/** The label at the start of a statement as pg_stat_activity shows it; undefined when it is none of ours. */
export function readLabel(query: unknown): (LabelData & { readonly label: string }) | undefined {
  if (typeof query !== 'string') return undefined;
  const [label, body] = LABEL.exec(query) ?? [];
  if (label === undefined || body === undefined) return undefined;
  try {
    const [holderId, resource, note] = JSON.parse(Buffer.from(body, 'base64url').toString()) as string[];
    return { label, holderId: holderId ?? '', resource: resource ?? '', note: note ?? '' };
  } catch {
    return undefined;
  }
}

export function holderOf(label: LabelData): Omit<HolderInfo, 'state' | 'mode'> {
  return { holderId: label.holderId, ...decodeHolderNote(label.note) };
}
