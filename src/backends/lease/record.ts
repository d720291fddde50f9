import type { ProcessIdentity } from '../../core/holder.js';
import { isProcessAlive } from '../../platform/identity.js';

const RECORD_VERSION = 1;

/** `i.<holderId>.json`: who stands behind a hold. It explains; only the proof of death acts upon it. */
export interface LeaseRecord {
  readonly identity: ProcessIdentity;
  readonly command: string;
  readonly reason: string | undefined;
  /** Wall clock, for display. */
  readonly sinceAtMs: number;
  /** A child is going to do the work and is not among `children` yet. */
  readonly isChildExpected: boolean;
  /** Processes of the same host and namespaces that work under the hold. */
  readonly children: readonly { readonly pid: number; readonly startTime: number | undefined }[];
}

export function encodeLeaseRecord(record: LeaseRecord): string {
  return `${JSON.stringify({ holdfast: RECORD_VERSION, ...record })}\n`;
}

/** Undefined when there is none, it is torn, or newer than we are: all prove nothing. */
export function decodeLeaseRecord(text: string | undefined): LeaseRecord | undefined {
  if (text === undefined) return undefined;
  try {
    const record = JSON.parse(text) as LeaseRecord & { holdfast?: unknown };
    const isReadable =
      record.holdfast === RECORD_VERSION &&
      typeof record.identity?.pid === 'number' &&
      typeof record.isChildExpected === 'boolean' &&
      Array.isArray(record.children);
    return isReadable ? record : undefined;
  } catch {
    return undefined;
  }
}

/**
 * False is proof that nothing works under the hold any more: same boot, same pid namespace, and every process is gone.
 * Undefined when that cannot be known from here. Where the kernel gives no boot id nothing is ever proven: host
 * names repeat on a network.
 */
export function isHoldAlive({ identity, isChildExpected, children }: LeaseRecord): boolean | undefined {
  if (identity.bootId === undefined || identity.pidNamespace === undefined) return undefined;
  const lives = [identity, ...children.map((child) => ({ ...identity, ...child }))].map(isProcessAlive);
  if (lives.includes(true)) return true;
  return lives.includes(undefined) || isChildExpected ? undefined : false;
}
