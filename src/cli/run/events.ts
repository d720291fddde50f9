import { fstatSync, writeSync } from 'node:fs';

import type { Clock } from '../../core/time.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { openNamedLogSync } from '../../files/open-named.js';
import { JSON_FORMAT, toJson } from '../envelope.js';
import { note } from '../output.js';
import { usage } from './request.js';

/** What `run --events` prints. Every line also has `format`, `event`, `at`, `pid` and `lock`. */
export type RunEvent =
  | { readonly event: 'waiting'; readonly holders: unknown; readonly timeoutMs: number | string }
  | {
      readonly event: 'acquired';
      readonly waitedMs: number;
      readonly holderId: string;
      readonly mode: string;
    }
  | { readonly event: 'skipped' }
  | { readonly event: 'started'; readonly childPid: number; readonly program: string }
  | { readonly event: 'lost'; readonly message: string }
  | { readonly event: 'ended'; readonly exitCode: number; readonly signal?: string; readonly heldMs: number }
  | { readonly event: 'failed'; readonly code: string; readonly message: string; readonly exitCode: number };

export type EventLog = (event: RunEvent) => void;

/**
 * Appends one JSON line per event to a file, or to an inherited descriptor. A log that cannot be opened is named on
 * stderr, one that cannot be written any more is given up silently: neither may end the command that it reports.
 *
 * @throws UsageError for a descriptor that is not open.
 */
export function openEventLog(target: string, lock: string, clock: Clock): EventLog | undefined {
  const descriptor = /^\d{1,9}$/.test(target) ? openDescriptor(target) : openFile(target);
  if (descriptor === undefined) return undefined;
  let isBroken = false;
  return (event) => {
    if (isBroken) return;
    const { event: name, ...details } = event;
    const at = new Date(clock.wallNow()).toISOString();
    try {
      writeSync(
        descriptor,
        `${toJson({ format: JSON_FORMAT, event: name, at, pid: process.pid, lock, ...details }, 0)}\n`,
      );
    } catch {
      isBroken = true;
    }
  };
}

function openDescriptor(number: string): number {
  try {
    fstatSync(Number(number));
    return Number(number);
  } catch {
    throw usage(`--events ${number} is not an open descriptor`);
  }
}

function openFile(path: string): number | undefined {
  try {
    return openNamedLogSync(path);
  } catch (error) {
    const errno = errnoOf(error);
    const { message } =
      errno === undefined ? (error as Error) : systemError('write events to', path, errno, error);
    note(`holdfast: ${message} The command runs without them.`);
    return undefined;
  }
}
