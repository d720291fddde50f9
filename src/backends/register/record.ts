import type { AcquireRequest } from '../../core/backend.js';
import { decodeHolder, recordText, type HolderRecord } from '../../core/holder.js';
import { ownHolder } from '../../platform/holder-record.js';
import { isProcessAlive } from '../../platform/identity.js';

const RECORD_VERSION = 1;

/** Longer ones are not looked at: others may have written them. */
const RECORD_LENGTH = 65_536;

/** A process that works under a hold, of the same host and namespaces as the holder. */
export interface CoveredChild {
  readonly pid: number;
  readonly startTime?: number | undefined;
}

/** The process behind a hold of a lease. It explains; only the proof of death acts upon it. */
export interface LeaseRecord {
  readonly holder: HolderRecord;
  /** A child is going to do the work and is not among `children` yet. */
  readonly isChildExpected: boolean;
  readonly children: readonly CoveredChild[];
}

/** The record of this process for a new hold. */
export function newLeaseRecord(
  { reason, info, recordCommand = false, coversChild }: AcquireRequest,
  wallMs: number,
): LeaseRecord {
  const said = {
    sinceAt: new Date(wallMs).toISOString(),
    ...(reason !== undefined && { reason: recordText(reason) }),
    ...(info !== undefined && { info: JSON.parse(info) as unknown }),
  };
  return { holder: { ...ownHolder(recordCommand), ...said }, isChildExpected: coversChild, children: [] };
}

/** As JSON, on a line of its own. */
export function encodeLeaseRecord(record: LeaseRecord): string {
  return `${JSON.stringify(leaseRecordValue(record))}\n`;
}

/** What is written as JSON. */
export function leaseRecordValue({ holder, ...record }: LeaseRecord): object {
  const { pid, startTime, host, bootId, pidNamespace, timeNamespace, sinceAt, ...said } = holder;
  const identity = { pid, startTime, host, bootId, pidNamespace, timeNamespace };
  const sinceAtMs = sinceAt === undefined ? undefined : Date.parse(sinceAt);
  return { holdfast: RECORD_VERSION, identity, ...said, sinceAtMs, ...record };
}

/** Undefined when there is none, it is torn, of another format, or not of the right form: all prove nothing. */
export function decodeLeaseRecord(text: string | undefined): LeaseRecord | undefined {
  if (text === undefined || text.length > RECORD_LENGTH) return undefined;
  try {
    return readLeaseRecord(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** {@link decodeLeaseRecord} of a value that was JSON. Others may have written it. */
export function readLeaseRecord(value: unknown): LeaseRecord | undefined {
  const record = Object(value) as Readonly<Record<string, unknown>>;
  const { identity, children, isChildExpected } = record;
  const holder = decodeHolder({ ...record, ...Object(identity) });
  const isReadable = record['holdfast'] === RECORD_VERSION && typeof isChildExpected === 'boolean';
  if (holder === undefined || !isReadable || !Array.isArray(children)) return undefined;
  const covered = children.map((child) => decodeHolder(child));
  // One that cannot be read may be alive.
  if (covered.includes(undefined)) return undefined;
  return { holder, isChildExpected, children: covered as CoveredChild[] };
}

/**
 * False is proof that nothing works under the hold any more: same boot, same pid namespace, and every process is gone.
 * Undefined when that cannot be known from here. Where the kernel gives no boot id nothing is ever proven: host
 * names repeat on a network.
 */
export function isHoldAlive({ holder, isChildExpected, children }: LeaseRecord): boolean | undefined {
  const lives = [holder, ...children.map((child) => ({ ...holder, ...startOf(child) }))].map(isProcessAlive);
  if (lives.includes(true)) return true;
  return lives.includes(undefined) || isChildExpected ? undefined : false;
}

/** Without a start time of its own a child must not be judged by the holder's. */
function startOf({ pid, startTime }: CoveredChild): CoveredChild {
  return { pid, startTime };
}
