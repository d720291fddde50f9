import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const PREFIX_LENGTH = 20;
/** Two characters per entry; three entries make the counter's six. Made for the second id: a process of one needs none. */
let pairs: readonly string[] | undefined;
const FIRST_COUNT = ALPHABET.charAt(0).repeat(6);
const COUNTER_LIMIT = 2 ** 30;

let prefix = '';
let counter = COUNTER_LIMIT;

/**
 * A new holder id: 26 characters of [a-z2-7]. 100 random bits per thread and a counter, because fresh
 * randomness for every hold would cost more than the lock's system calls leave room for.
 */
export function newHolderId(): string {
  if (counter === COUNTER_LIMIT) {
    prefix = Array.from(randomBytes(PREFIX_LENGTH), (byte) => ALPHABET.charAt(byte & 31)).join('');
    counter = 0;
  }
  const n = counter++;
  if (n === 0) return prefix + FIRST_COUNT;
  pairs ??= Array.from(
    { length: 1024 },
    (_, pair) => ALPHABET.charAt(pair >> 5) + ALPHABET.charAt(pair & 31),
  );
  return `${prefix}${pairs[n >> 20]}${pairs[(n >> 10) & 1023]}${pairs[n & 1023]}`;
}

/**
 * Whether two recorded facts (boot ids, namespaces, start times) are known and equal. What is unknown equals nothing, not
 * even what is unknown elsewhere: two machines without a boot id are not one machine.
 */
export function isSame(a: unknown, b: unknown): boolean {
  return a !== undefined && a !== null && a === b;
}

/** Enough to decide later, from the same pid namespace, whether this very process still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /** An opaque number that a reused pid does not share; see `platform/identity`. */
  readonly startTime?: number | undefined;
  readonly host?: string | undefined;
  readonly bootId?: string | undefined;
  readonly pidNamespace?: number | undefined;
  readonly timeNamespace?: number | undefined;
}

/** Longest text of a record, in characters; the lock file's record as a whole has at most 8191 bytes. */
const TEXT_LENGTH = 1_000;
/** Longest `info`, in bytes of JSON. */
export const INFO_BYTES = 1_024;
/** Longest record that is looked at, in characters: the rest of what others may have written is not parsed. */
const RECORD_LENGTH = 16_384;
/** The last millisecond that a Date can show. */
const LAST_DATE_MS = 8.64e15;

/**
 * The holder, as every backend stores it beside the lock. It explains; it decides nothing. Records are read by others and
 * outlive the hold, so the arguments of a command are in none, unless its user asked for that (`recordCommand`).
 */
export interface HolderRecord extends ProcessIdentity {
  /** The name of the program, without directory and arguments. */
  readonly program?: string | undefined;
  /** The command line. Beside `program` its user wanted it shown; alone it is of an old record. */
  readonly command?: string | undefined;
  readonly holderId?: string | undefined;
  readonly reason?: string | undefined;
  /** Wall clock, ISO 8601, for display. */
  readonly sinceAt?: string | undefined;
  /** What the holder gave for others to read, at most {@link INFO_BYTES} of JSON. */
  readonly info?: unknown;
}

/**
 * The record in `value`, which may be anything: others can write where it comes from. A field of the wrong type or size
 * is left out, and without a process id there is no record. Writers pass what they publish through it.
 */
export function decodeHolder(value: unknown): HolderRecord | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const raw = value as Readonly<Record<string, unknown>>;
  const pid = countIn(raw, 'pid');
  if (pid === undefined || pid === 0 || pid > 0xffff_ffff) return undefined;
  return {
    pid,
    ...numbersOf(raw, ['startTime', 'pidNamespace', 'timeNamespace']),
    ...textsOf(raw, ['host', 'bootId', 'program', 'command', 'holderId', 'reason']),
    ...sinceOf(raw['sinceAtMs']),
    ...(infoText(raw['info']) !== undefined && { info: raw['info'] }),
  };
}

/** {@link decodeHolder} of JSON text; undefined also for text that is none, or too long. */
export function parseHolder(text: string): HolderRecord | undefined {
  if (text.length > RECORD_LENGTH) return undefined;
  try {
    return decodeHolder(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** `info` as a record carries it; undefined when it is no JSON value or has more than {@link INFO_BYTES}. */
export function infoText(info: unknown): string | undefined {
  if (info === undefined) return undefined;
  try {
    const text: unknown = JSON.stringify(info);
    return typeof text === 'string' && Buffer.byteLength(text) <= INFO_BYTES ? text : undefined;
  } catch {
    return undefined;
  }
}

/** `text` cut to what a record may hold, in characters and in bytes of JSON. */
export function recordText(text: string): string {
  let fitting = text.slice(0, TEXT_LENGTH);
  while (Buffer.byteLength(JSON.stringify(fitting)) > 2 * TEXT_LENGTH) {
    fitting = fitting.slice(0, Math.floor(fitting.length * 0.8));
  }
  return fitting;
}

function countIn(raw: Readonly<Record<string, unknown>>, name: string): number | undefined {
  const value = raw[name];
  return Number.isSafeInteger(value) && (value as number) >= 0 ? (value as number) : undefined;
}

function numbersOf(raw: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = countIn(raw, name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

function textsOf(raw: Readonly<Record<string, unknown>>, names: readonly string[]): object {
  const isText = (value: unknown): boolean =>
    typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH;
  return Object.fromEntries(names.flatMap((name) => (isText(raw[name]) ? [[name, raw[name]]] : [])));
}

function sinceOf(sinceAtMs: unknown): { sinceAt?: string } {
  if (typeof sinceAtMs !== 'number' || !(Math.abs(sinceAtMs) <= LAST_DATE_MS)) return {};
  return { sinceAt: new Date(sinceAtMs).toISOString() };
}

const RECORD_VERSION = 1;
/** Behind the pid on the first line. The C side looks for ` holdfast/` to recognise our files. */
const RECORD_MAGIC = / holdfast\/(\d+)\n/y;

export type RecordEncoder = (
  holderId: string,
  sinceAtMs: number,
  reason: string | undefined,
  info?: string,
) => string;

/**
 * Prepares the constant part of this process's records once, so that a grant pays for three short fields only.
 * First line `PID holdfast/1` (people `cat` lock files), second line JSON.
 *
 * @param info of the result: JSON, as {@link infoText} gives it.
 */
export function recordEncoder(own: HolderRecord): RecordEncoder {
  const constant = JSON.stringify(decodeHolder(own) ?? { pid: own.pid });
  const head = `${own.pid} holdfast/${RECORD_VERSION}\n${constant.slice(0, -1)},"holderId":"`;
  return (holderId, sinceAtMs, reason, info) => {
    const why = reason === undefined ? '' : `,"reason":${JSON.stringify(recordText(reason))}`;
    const more = info === undefined ? '' : `,"info":${info}`;
    return `${head}${holderId}","sinceAtMs":${sinceAtMs}${why}${more}}\n`;
  };
}

/** True when the text of a lock file begins as our records do, whatever their version. */
export function isOurRecord(text: string): boolean {
  return recordBody(text) !== undefined;
}

/** The record in a lock file's text; undefined when there is none, when it is torn, or newer than we are. */
export function decodeRecord(text: string): HolderRecord | undefined {
  const body = recordBody(text);
  return body === undefined || body.version !== RECORD_VERSION ? undefined : parseHolder(body.json);
}

function recordBody(text: string): { version: number; json: string } | undefined {
  const pid = /^\d+/.exec(text)?.[0];
  if (pid === undefined) return undefined;
  RECORD_MAGIC.lastIndex = pid.length;
  const magic = RECORD_MAGIC.exec(text);
  if (magic === null) return undefined;
  return { version: Number(magic[1]), json: text.slice(RECORD_MAGIC.lastIndex) };
}
