import type { HolderInfo } from '../core/backend.js';
import { commandOf, isProcessAlive, ownIdentity } from './identity.js';

/** Who holds, as stored in an engine beside the lock. It explains; it decides nothing. */
interface HolderNote {
  readonly pid: number;
  readonly startTime?: number;
  readonly host?: string;
  readonly bootId?: string;
  readonly pidNamespace?: number;
  readonly timeNamespace?: number;
  readonly command?: string;
  readonly sinceAtMs?: number;
  readonly reason?: string;
}

let ownPart: string | undefined;

/** This process's note for a hold, as JSON. @param sinceAtMs undefined where that is stored elsewhere. */
export function encodeHolderNote(sinceAtMs: number | undefined, reason: string | undefined): string {
  ownPart ??= JSON.stringify({ ...ownIdentity(), command: commandOf(process.pid) }).slice(0, -1);
  const said = reason === undefined ? '' : `,"reason":${JSON.stringify(reason)}`;
  const since = sinceAtMs === undefined ? '' : `,"sinceAtMs":${Math.round(sinceAtMs)}`;
  return `${ownPart}${since}${said}}`;
}

/** What a note tells; empty when it cannot be read, since others may have written anything. */
export function decodeHolderNote(text: string): Omit<HolderInfo, 'state' | 'mode'> {
  let note: Partial<HolderNote>;
  try {
    note = JSON.parse(text) as Partial<HolderNote>;
  } catch {
    return {};
  }
  if (typeof note !== 'object' || note === null || typeof note.pid !== 'number') return {};
  const { pid, host, command, reason, sinceAtMs } = note;
  const isAlive = isProcessAlive({ ...note, pid });
  return {
    pid,
    ...(typeof host === 'string' && { host }),
    ...(typeof command === 'string' && command !== '' && { command }),
    ...(typeof reason === 'string' && { reason }),
    ...(typeof sinceAtMs === 'number' && { sinceAt: new Date(sinceAtMs).toISOString() }),
    ...(isAlive !== undefined && { isAlive }),
  };
}
