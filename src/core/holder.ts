import { randomBytes } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';
const PREFIX_LENGTH = 20;
/** Two characters per entry; three entries make the counter's six. */
const PAIRS = Array.from({ length: 1024 }, (_, n) => ALPHABET.charAt(n >> 5) + ALPHABET.charAt(n & 31));
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
  return `${prefix}${PAIRS[n >> 20]}${PAIRS[(n >> 10) & 1023]}${PAIRS[n & 1023]}`;
}

/**
 * Whether two recorded facts (boot ids, namespaces, start times) are known and equal. What is unknown equals nothing, not
 * even what is unknown elsewhere: two machines without a boot id are not one machine.
 */
export function isSame(a: unknown, b: unknown): boolean {
  return a !== undefined && a !== null && a === b;
}

/** Enough to tell later, from the same pid namespace, whether this very process still runs. */
export interface ProcessIdentity {
  readonly pid: number;
  /** An opaque number that a reused pid does not share; see `platform/identity`. */
  readonly startTime?: number | undefined;
  readonly host?: string | undefined;
  readonly bootId?: string | undefined;
  readonly pidNamespace?: number | undefined;
  readonly timeNamespace?: number | undefined;
}

/** What an exclusive holder writes into a lock file that is ours. It explains; it decides nothing. */
export interface HolderRecord extends ProcessIdentity {
  readonly command: string;
  readonly holderId: string;
  readonly sinceAt: string;
  readonly reason: string | undefined;
}

const RECORD_VERSION = 1;
/** Behind the pid on the first line. The C side looks for ` holdfast/` to tell our files from others. */
const RECORD_MAGIC = / holdfast\/(\d+)\n/y;

/**
 * Prepares the constant part of this process's records once, so that a grant pays for three short fields only.
 * First line `PID holdfast/1` (people `cat` lock files), second line JSON.
 */
export function recordEncoder(
  identity: ProcessIdentity & { readonly command: string },
): (holderId: string, sinceAtMs: number, reason: string | undefined) => string {
  const head = `${identity.pid} holdfast/${RECORD_VERSION}\n${JSON.stringify(identity).slice(0, -1)},"holderId":"`;
  return (holderId, sinceAtMs, reason) =>
    `${head}${holderId}","sinceAtMs":${sinceAtMs}${reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`}}\n`;
}

/** True when the text of a lock file begins as our records do, whatever their version. */
export function isOurRecord(text: string): boolean {
  return recordBody(text) !== undefined;
}

/** The record in a lock file's text; undefined when there is none, when it is torn, or newer than we are. */
export function decodeRecord(text: string): HolderRecord | undefined {
  const body = recordBody(text);
  if (body === undefined || body.version !== RECORD_VERSION) return undefined;
  try {
    const { sinceAtMs, ...record } = JSON.parse(body.json) as HolderRecord & { sinceAtMs: number };
    if (typeof record.pid !== 'number' || typeof record.holderId !== 'string') return undefined;
    return { ...record, sinceAt: new Date(sinceAtMs).toISOString() };
  } catch {
    return undefined;
  }
}

function recordBody(text: string): { version: number; json: string } | undefined {
  const pid = /^\d+/.exec(text)?.[0];
  if (pid === undefined) return undefined;
  RECORD_MAGIC.lastIndex = pid.length;
  const magic = RECORD_MAGIC.exec(text);
  if (magic === null) return undefined;
  return { version: Number(magic[1]), json: text.slice(RECORD_MAGIC.lastIndex) };
}
