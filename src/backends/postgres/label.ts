import { memoize } from './keys.js';
import type { HolderInfo } from '../../core/backend.js';
import { decodeHolderInfo, encodeHolder, type RecordWishes } from '../../platform/holder-record.js';

/** pg_stat_activity keeps this much of a statement (track_activity_query_size). */
const LABEL_MAX_CHARS = 900;
const LABEL = /^\/\*holdfast:([A-Za-z0-9_-]+)\*\//;
/** Texts are kept for the holds to come; the server keeps them parsed, and finds them by being the same. */
const LABELS_KEPT = 256;

/** What a process says of all its holds of one resource for one reason. */
export interface LabelData {
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
  return label.length > LABEL_MAX_CHARS ? encode({ note: '', resource: '' }) : label;
}

const known = memoize(LABELS_KEPT, (said) => {
  const { resource, ...wishes } = JSON.parse(said) as RecordWishes & { resource: string };
  return labelOf({ resource, note: encodeHolder(undefined, wishes) });
});
const knownWithoutWishes = memoize(LABELS_KEPT, (resource) =>
  labelOf({ resource, note: encodeHolder(undefined, { reason: undefined }) }),
);

export function labelFor(resource: string, { reason, info, recordCommand = false }: RecordWishes): string {
  const isPlain = reason === undefined && info === undefined && !recordCommand;
  return isPlain
    ? knownWithoutWishes(resource)
    : known(JSON.stringify({ resource, reason, info, recordCommand }));
}

function encode({ resource, note }: LabelData): string {
  return `/*holdfast:${Buffer.from(JSON.stringify([resource, note])).toString('base64url')}*/`;
}

/** The label at the start of a statement as pg_stat_activity shows it; undefined when it is none of ours. */
export function readLabel(query: unknown): LabelData | undefined {
  if (typeof query !== 'string') return undefined;
  const body = LABEL.exec(query)?.[1];
  if (body === undefined) return undefined;
  try {
    const [resource, note] = JSON.parse(Buffer.from(body, 'base64url').toString()) as string[];
    return { resource: resource ?? '', note: note ?? '' };
  } catch {
    return undefined;
  }
}

/**
 * A session's `application_name` while it holds or waits: which hold it is, and since when. Here and not in the label,
 * since it is new for each hold, and 63 characters have no room for more.
 */
export function signOf(holderId: string, sinceAtMs: number): string {
  return `holdfast ${holderId} ${Math.round(sinceAtMs).toString(36)}`;
}

const SIGN = /^holdfast ([a-z2-7]{26}) ([0-9a-z]{1,11})$/;

export function readSign(applicationName: unknown): Pick<HolderInfo, 'holderId' | 'sinceAt'> {
  const [, holderId, since] = SIGN.exec(typeof applicationName === 'string' ? applicationName : '') ?? [];
  if (holderId === undefined || since === undefined) return {};
  return { holderId, sinceAt: new Date(Number.parseInt(since, 36)).toISOString() };
}

export function holderOf(label: LabelData, applicationName: unknown): Omit<HolderInfo, 'state' | 'mode'> {
  return { ...decodeHolderInfo(label.note), ...readSign(applicationName) };
}
