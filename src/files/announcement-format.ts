import { writeSync } from 'node:fs';

import type { Mode } from '../core/backend.js';
import { decodeHolder, type HolderRecord } from '../core/holder.js';

/**
 * The file in which one thread of a process announces its holds and waits: text in slots of one size, each a JSON object,
 * spaces and a line end. The first names the process. A slot is written by one write, and read while it is written: it
 * counts only when its number stands at both ends.
 */
export const ANNOUNCEMENT_FORMAT = 1;
export const SLOT_BYTES = 1_024;
/** Slots of one file, the first included. What is beyond them is counted only. */
export const SLOTS_MAX = 4_096;
export const ANNOUNCEMENTS_BYTES_MAX = SLOT_BYTES * SLOTS_MAX;

/** The deadline of a lease has one place in its slot, where the thread that renews overwrites it. */
const UNTIL_DIGITS = 15;
const UNTIL_START = '{"until":"';
const NO_DEADLINE = 0;

export interface AnnouncedProcess extends HolderRecord {
  /** Holds and waits for which there was no slot. */
  readonly omitted: number;
}

export interface AnnouncedSlot {
  readonly state: 'holder' | 'waiter';
  readonly lock: string;
  readonly backend: string;
  readonly mode: Mode;
  readonly sinceAtMs: number;
  readonly holderId?: string;
  readonly token?: bigint;
  readonly reason?: string;
  readonly leaseDurationMs?: number;
  /** Of the lease clock of this boot. */
  readonly leaseDeadline?: number;
}

export function encodeProcess(process: HolderRecord, omitted: number): string {
  return padded(JSON.stringify({ format: ANNOUNCEMENT_FORMAT, ...process, omitted }));
}

const EMPTY_SLOT = `${' '.repeat(SLOT_BYTES - 1)}\n`;

/** @param number of this text; different from that of the text before. */
export function encodeSlot(slot: AnnouncedSlot | undefined, number: number): string {
  if (slot === undefined) return EMPTY_SLOT;
  const { leaseDeadline = NO_DEADLINE, token, ...rest } = slot;
  const text = (given: Omit<AnnouncedSlot, 'token'>): string =>
    `${UNTIL_START}${untilText(leaseDeadline)}","number":${number},${JSON.stringify({
      ...given,
      ...(token !== undefined && { token: String(token) }),
    }).slice(1, -1)},"again":${number}}`;
  const whole = text(rest);
  if (Buffer.byteLength(whole) < SLOT_BYTES) return padded(whole);
  const { reason: _, ...essential } = rest;
  return padded(text({ ...essential, lock: shortened(rest.lock) }));
}

/** A name that is too long loses its middle. */
function shortened(lock: string): string {
  const half = 60;
  return lock.length <= 2 * half ? lock : `${lock.slice(0, half)}…${lock.slice(-half)}`;
}

function padded(text: string): string {
  const spaces = SLOT_BYTES - 1 - Buffer.byteLength(text);
  return spaces < 0 ? EMPTY_SLOT : `${text}${' '.repeat(spaces)}\n`;
}

function untilText(deadline: number): string {
  return Math.max(0, deadline).toFixed(3).padStart(UNTIL_DIGITS, '0').slice(-UNTIL_DIGITS);
}

/** After a renewal, in the thread that renews: one write of the new deadline. */
export function writeUntil(descriptor: number, slot: number, deadline: number): void {
  try {
    writeSync(descriptor, untilText(deadline), slot * SLOT_BYTES + UNTIL_START.length);
  } catch {
    // Others see an older deadline.
  }
}

/** Who announces; undefined for what is no such file, or one of another format. */
export function decodeProcess(file: Buffer): AnnouncedProcess | undefined {
  const raw = objectAt(file, 0);
  if (raw?.['format'] !== ANNOUNCEMENT_FORMAT) return undefined;
  const holder = decodeHolder(raw);
  const { omitted } = raw;
  return holder && { ...holder, omitted: isCount(omitted) ? omitted : 0 };
}

/** The holds and waits in a file, which others may have written: a slot of another form is left out. */
export function decodeSlots(file: Buffer): readonly AnnouncedSlot[] {
  const found: AnnouncedSlot[] = [];
  for (let slot = 1; slot < SLOTS_MAX && (slot + 1) * SLOT_BYTES <= file.length; slot++) {
    const decoded = file[slot * SLOT_BYTES] === BRACE ? decodeSlot(objectAt(file, slot)) : undefined;
    if (decoded !== undefined) found.push(decoded);
  }
  return found;
}

const BRACE = '{'.charCodeAt(0);

function objectAt(file: Buffer, slot: number): Record<string, unknown> | undefined {
  try {
    const text = file.toString('utf8', slot * SLOT_BYTES, (slot + 1) * SLOT_BYTES);
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function decodeSlot(raw: Record<string, unknown> | undefined): AnnouncedSlot | undefined {
  if (raw === undefined || raw['number'] !== raw['again']) return undefined;
  const { state, lock, backend, mode, sinceAtMs, holderId, token, reason, leaseDurationMs, until } = raw;
  if (!isOneOf(state, ['holder', 'waiter']) || !isOneOf(mode, ['exclusive', 'shared'])) return undefined;
  if (!isText(lock) || !isText(backend) || !isTime(sinceAtMs)) return undefined;
  const deadline = typeof until === 'string' ? Number(until) : Number.NaN;
  return {
    state,
    lock,
    backend,
    mode,
    sinceAtMs,
    ...(isText(holderId) && { holderId }),
    ...(typeof token === 'string' && /^\d{1,30}$/.test(token) && { token: BigInt(token) }),
    ...(isText(reason) && { reason }),
    ...(isCount(leaseDurationMs) && { leaseDurationMs }),
    ...(Number.isFinite(deadline) && deadline > NO_DEADLINE && { leaseDeadline: deadline }),
  };
}

function isOneOf<T extends string>(value: unknown, choices: readonly T[]): value is T {
  return choices.includes(value as T);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** The milliseconds that a Date can show. */
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= 8.64e15;
}
