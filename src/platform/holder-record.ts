import type { AcquireRequest, HolderInfo } from '../core/backend.js';
import { parseHolder, recordText, type HolderRecord } from '../core/holder.js';
import { isProcessAlive, ownCommand, ownIdentity, ownProgram } from './identity.js';

/** What a hold's caller has a say in. */
export type RecordWishes = Pick<AcquireRequest, 'reason' | 'info' | 'recordCommand'>;

/** This process as its records name it. @param withCommand also with the command line, which others can read. */
export function ownHolder(withCommand: boolean): HolderRecord {
  return { ...ownIdentity(), program: ownProgram(), ...(withCommand && { command: ownCommand() }) };
}

const ownParts: { [withCommand: string]: string } = {};

/** This process's record of a hold, as JSON. @param sinceAtMs undefined where that is stored elsewhere. */
export function encodeHolder(sinceAtMs: number | undefined, wishes: RecordWishes): string {
  const withCommand = wishes.recordCommand === true;
  const own = (ownParts[String(withCommand)] ??= JSON.stringify(ownHolder(withCommand)).slice(0, -1));
  const { reason, info } = wishes;
  const why = reason === undefined ? '' : `,"reason":${JSON.stringify(recordText(reason))}`;
  const more = info === undefined ? '' : `,"info":${info}`;
  const since = sinceAtMs === undefined ? '' : `,"sinceAtMs":${Math.round(sinceAtMs)}`;
  return `${own}${since}${why}${more}}`;
}

/** What the text of a record says; empty when it cannot be read, since others may have written anything. */
export function decodeHolderInfo(text: string): Omit<HolderInfo, 'state' | 'mode'> {
  const record = parseHolder(text);
  if (record === undefined) return {};
  const isAlive = isProcessAlive(record);
  return { ...holderInfoOf(record), ...(isAlive !== undefined && { isAlive }) };
}

/** What a record says, as it is shown to people and programs. */
export function holderInfoOf(record: HolderRecord): Omit<HolderInfo, 'state' | 'mode'> {
  const { pid, host, holderId, sinceAt, reason, info } = record;
  return {
    pid,
    ...(host !== undefined && { host }),
    ...namesOf(record),
    ...(holderId !== undefined && { holderId }),
    ...(reason !== undefined && { reason }),
    ...(sinceAt !== undefined && { sinceAt }),
    ...(info !== undefined && { info }),
  };
}

/** Old records have the arguments of a command although its user did not ask for that: of those only the program is shown. */
function namesOf({ program, command }: HolderRecord): { program?: string; command?: string } {
  if (program !== undefined) return { program, ...(command !== undefined && { command }) };
  const first = command?.split(' ', 1)[0] ?? '';
  return first === '' ? {} : { program: first };
}
