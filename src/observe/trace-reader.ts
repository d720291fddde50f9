import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { errnoOf, systemError } from '../core/system-error.js';
import { decodeTraceEvent, decodeTraceHead, isTraceFile, type TraceHead } from '../files/trace-format.js';
import { readOwn } from '../files/open-own.js';
import type { Mode } from '../core/backend.js';

export interface TracedProcess {
  readonly pid: number;
  readonly program: string | undefined;
  readonly host: string | undefined;
}

/** A wait or a hold of one process, on one time axis. */
export interface TracedSpan {
  readonly kind: 'wait' | 'hold';
  /** Index of its process. */
  readonly process: number;
  readonly lock: string;
  readonly backend: string;
  readonly mode: Mode;
  /** Wall clock, with fractions of a millisecond that compare between the processes of one machine. */
  readonly startMs: number;
  readonly endMs: number;
  readonly outcome: string;
  /** It had not ended when it was seen. */
  readonly isOpen?: boolean;
}

export interface Trace {
  readonly processes: readonly TracedProcess[];
  /** By their beginnings. */
  readonly spans: readonly TracedSpan[];
}

/** A little more than a process writes into one. */
const FILE_BYTES_MAX = 4 * 1024 * 1024;
const FILES_MAX = 4_096;

/**
 * What the processes recorded in `directory`. Lines and files of another form are left out.
 *
 * @throws LockError when the directory cannot be read.
 */
export function readTrace(directory: string): Trace {
  const processes: TracedProcess[] = [];
  const indexes = new Map<string, number>();
  const offsets = new Map<string, number>();
  const spans: TracedSpan[] = [];
  for (const name of namesIn(resolve(directory))) {
    const lines = linesOf(join(resolve(directory), name));
    const head = decodeTraceHead(lines[0] ?? '');
    if (head === undefined) continue;
    const offset = offsetOf(head, offsets);
    const index = indexOf(head, indexes, processes);
    for (const line of lines.slice(1)) {
      const event = decodeTraceEvent(line);
      if (event === undefined) continue;
      const { at, ms, ...rest } = event;
      spans.push({ ...rest, process: index, startMs: offset + at - ms, endMs: offset + at });
    }
  }
  return { processes, spans: spans.sort((a, b) => a.startMs - b.startMs) };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter(isTraceFile).sort().slice(0, FILES_MAX);
  } catch (error) {
    throw systemError('read', directory, errnoOf(error) ?? 'EIO', error);
  }
}

function linesOf(path: string): string[] {
  try {
    return readOwn(path, { maxSizeBytes: FILE_BYTES_MAX })?.toString('utf8').split('\n') ?? [];
  } catch {
    // Not ours, or removed meanwhile.
    return [];
  }
}

/** One per boot: processes of one machine share the monotonic clock, and their order must not depend on the other one. */
function offsetOf({ process, wallMs, monotonicMs }: TraceHead, offsets: Map<string, number>): number {
  const boot = process.bootId ?? `pid ${process.pid}`;
  const known = offsets.get(boot) ?? wallMs - monotonicMs;
  offsets.set(boot, known);
  return known;
}

function indexOf(
  { process: { pid, startTime, bootId, program, host }, thread }: TraceHead,
  indexes: Map<string, number>,
  processes: TracedProcess[],
): number {
  const name = `${bootId} ${pid} ${startTime} ${thread}`;
  const known = indexes.get(name);
  if (known !== undefined) return known;
  indexes.set(name, processes.length);
  return processes.push({ pid, program, host }) - 1;
}
