import type { HolderInfo } from '../../core/backend.js';
import { decodeHolderInfo } from '../../platform/holder-record.js';
import { formatError } from '../engine/errors.js';
import { FORMAT } from './scripts.js';

/** Stands where a holder id does after a break that lets the holder's time run out. Never the id of a hold. */
export const REVOKED_HOLDER = '-'.repeat(26);
const BROKEN = 'broken by force; free once its lease has run out';

/** As {@link REVOKED_HOLDER}, one for each broken permit of a resource. */
export const revokedPermit = (holderId: string): string => `-${holderId.slice(1)}`;

const RECORD = /^1 ([a-z2-7]{26}|-{26}) (\d+)\n(.*)$/s;
const ANY_FORMAT = /^(\d+) /;

/** @throws LockError HOLDFAST_PROTOCOL for a record of another format, or one that Holdfast did not write. */
export function assertFormat(text: string, resource: string): void {
  const format = ANY_FORMAT.exec(text)?.[1];
  if (format !== FORMAT) throw formatError(resource, format);
}

/** The holder in the value of a lock key. @throws as {@link assertFormat}. */
export function decodeRecord(text: string, resource: string): HolderInfo {
  assertFormat(text, resource);
  const [, holderId, token, note] = RECORD.exec(text) ?? [];
  if (holderId === undefined || token === undefined || note === undefined) {
    throw formatError(resource, undefined);
  }
  const holder = { state: 'holder', mode: 'exclusive', fencingToken: BigInt(token) } as const;
  if (holderId === REVOKED_HOLDER) return { ...holder, note: BROKEN };
  return { ...holder, holderId, ...decodeHolderInfo(note) };
}

/** @param entry `token\nnote`, as the hash beside the permits has it. */
export function permitHolder(holderId: string, entry: string): HolderInfo {
  const [, token = '0', note = ''] = /^(\d+)\n(.*)$/s.exec(entry) ?? [];
  const holder = { state: 'holder', mode: 'exclusive', fencingToken: BigInt(token) } as const;
  if (holderId.startsWith('-')) return { ...holder, note: BROKEN };
  return { ...holder, holderId, ...decodeHolderInfo(note) };
}

/** The limit that present holders agree on, of a `limit` field that is not the wanted one. @throws as {@link assertFormat}. */
export function decodeLimit(text: string, resource: string): number | undefined {
  const [, format, limit] = /^(\d+)\/(\d+)$/.exec(text) ?? [];
  if (format !== undefined && format !== FORMAT) throw formatError(resource, format);
  return limit === undefined ? undefined : Number(limit);
}
