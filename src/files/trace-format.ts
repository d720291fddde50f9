import type { Mode } from '../core/backend.js';
import { decodeHolder, type HolderRecord } from '../core/holder.js';

/** Lines of JSON: the first names the process and relates its clocks, each other is a wait or a hold that has ended. */
export const TRACE_FORMAT = 1;

export interface TraceEvent {
  readonly kind: 'wait' | 'hold';
  /** One name for the lock on this machine. */
  readonly lock: string;
  readonly backend: string;
  readonly mode: Mode;
  /** When it ended, on the monotonic clock of the machine, in milliseconds. */
  readonly at: number;
  readonly ms: number;
  /** `acquired`, `timeout`, `released`, `lost: expired`, ... */
  readonly outcome: string;
}

/** Two clocks at one moment. */
export interface TraceClocks {
  readonly monotonicMs: number;
  readonly wallMs: number;
}

export interface TraceHead extends TraceClocks {
  readonly process: HolderRecord;
  readonly thread: number;
}

const FILE = /^trace-\d+-\d+-\d+-\d+\.ndjson$/;

export function traceFileName({ pid, startTime = 0 }: HolderRecord, thread: number, count: number): string {
  return `trace-${pid}-${startTime}-${thread}-${count}.ndjson`;
}

export function isTraceFile(name: string): boolean {
  return FILE.test(name);
}

export function encodeTraceHead(process: HolderRecord, thread: number, clocks: TraceClocks): string {
  return `${JSON.stringify({ format: TRACE_FORMAT, ...process, thread, ...clocks })}\n`;
}

export function encodeTraceEvent({ at, ms, ...event }: TraceEvent): string {
  return `${JSON.stringify({ ...event, at: rounded(at), ms: rounded(ms) })}\n`;
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

/** undefined for a file that is not ours, or of another format. */
export function decodeTraceHead(line: string): TraceHead | undefined {
  const raw = objectOf(line);
  if (raw?.['format'] !== TRACE_FORMAT) return undefined;
  const process = decodeHolder(raw);
  const { thread, monotonicMs, wallMs } = raw;
  if (process === undefined || !isNumber(monotonicMs) || !isNumber(wallMs)) return undefined;
  return { process, thread: isNumber(thread) ? thread : 0, monotonicMs, wallMs };
}

/** undefined for a line that was cut off, or is none. */
export function decodeTraceEvent(line: string): TraceEvent | undefined {
  const raw = objectOf(line);
  if (raw === undefined) return undefined;
  const { kind, lock, backend, mode, at, ms, outcome } = raw;
  if ((kind !== 'wait' && kind !== 'hold') || (mode !== 'exclusive' && mode !== 'shared')) return undefined;
  if (!isText(lock) || !isText(backend) || !isText(outcome)) return undefined;
  if (!isNumber(at) || !isNumber(ms) || ms < 0) return undefined;
  return { kind, lock, backend, mode, at, ms, outcome };
}

function objectOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) < 8.64e15;
}

const TEXT_LENGTH = 4_096;

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= TEXT_LENGTH;
}
