import { writeSync } from 'node:fs';
import { endianness } from 'node:os';

import { joinBytes } from './bytes.js';

/** What native/run/protocol.h says: 16 bytes each, in the machine's own byte order. */
const MESSAGE_BYTES = 16;
const START_BYTES = 56;
const PROTOCOL = 0x32524648;
const KEPT = 4;
const UNTIL_CLOSED = 1;

const isLittle = endianness() === 'LE';

export interface SupervisorStart {
  /** NUL-terminated texts: the command with its arguments, then the environment. */
  readonly words: readonly Buffer[];
  readonly variables: readonly Buffer[];
  readonly graceMs: number;
  readonly isUntilClosed: boolean;
  /** On the lease clock; Infinity for a hold that ends on purpose only. */
  readonly deadlineMs: number;
  /** Open as long as the command lives, and not for it. */
  readonly kept: readonly number[];
}

/** From the supervisor. `status` is that of wait(2). */
export type SupervisorReport =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'not-started'; readonly errno: number }
  | { readonly kind: 'ended'; readonly status: number }
  | { readonly kind: 'deadline-near' };

const REPORTS = ['started', 'not-started', 'ended', 'deadline-near'] as const;

/** Notifies a supervisor that the hold lasts until `deadlineMs` of the lease clock. Also called in the renewal's thread. */
export function writeDeadline(descriptor: number, deadlineMs: number): void {
  const { message, view } = newMessage(1);
  view.setBigInt64(8, BigInt(Math.floor(deadlineMs * 1_000)), isLittle);
  try {
    writeSync(descriptor, message);
  } catch {
    // A supervisor that is gone has taken the command with it; one that does not read will see the deadline come.
  }
}

export function signalMessage(signal: number): Buffer {
  const { message, view } = newMessage(2);
  view.setUint32(4, signal, isLittle);
  return message;
}

export function endMessage(): Buffer {
  return newMessage(3).message;
}

export function startMessage(start: SupervisorStart): Buffer {
  const { words, variables, graceMs, isUntilClosed, deadlineMs, kept } = start;
  if (kept.length > KEPT) throw new RangeError(`a supervisor keeps ${KEPT} descriptors at most`);
  const text = joinBytes([...words, ...variables]);
  const head = Buffer.alloc(START_BYTES);
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const longestMs = 2 ** 31;
  const numbers = [PROTOCOL, text.length, words.length, variables.length, Math.min(graceMs, longestMs)];
  numbers.push(isUntilClosed ? UNTIL_CLOSED : 0);
  numbers.forEach((value, index) => view.setUint32(4 * index, value, isLittle));
  const deadlineUs = Number.isFinite(deadlineMs) ? Math.floor(deadlineMs * 1_000) : 0;
  view.setBigInt64(24, BigInt(deadlineUs), isLittle);
  for (let index = 0; index < KEPT; index++) view.setInt32(32 + 4 * index, kept[index] ?? -1, isLittle);
  view.setInt32(48, process.ppid, isLittle);
  return Buffer.concat([head, text]);
}

/** Returns what takes the bytes as they come and hands on whole reports. */
export function reportReader(onReport: (report: SupervisorReport) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (; rest.length >= MESSAGE_BYTES; rest = rest.subarray(MESSAGE_BYTES)) {
      const view = new DataView(rest.buffer, rest.byteOffset, MESSAGE_BYTES);
      const report = toReport(view.getUint32(0, isLittle), view.getUint32(4, isLittle));
      if (report !== undefined) onReport(report);
    }
  };
}

function toReport(number: number, value: number): SupervisorReport | undefined {
  const kind = REPORTS[number - 1];
  switch (kind) {
    case 'started':
      return { kind, pid: value };
    case 'not-started':
      return { kind, errno: value };
    case 'ended':
      return { kind, status: value };
    case 'deadline-near':
      return { kind };
    default:
      return undefined;
  }
}

function newMessage(kind: number): { message: Buffer; view: DataView } {
  const message = Buffer.alloc(MESSAGE_BYTES);
  const view = new DataView(message.buffer, message.byteOffset, MESSAGE_BYTES);
  view.setUint32(0, kind, isLittle);
  return { message, view };
}
