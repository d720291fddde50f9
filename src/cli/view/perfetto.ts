import { escapeJson } from '../../core/escape.js';
import type { Trace } from '../../observe/trace-reader.js';

/** The trace event format, which Perfetto and chrome://tracing open: one thread per process and kind, times in microseconds. */
export function perfettoJson({ processes, spans }: Trace): string {
  const startMs = spans[0]?.startMs ?? 0;
  const names = processes.flatMap(({ pid, program }, index) => [
    { ph: 'M', name: 'process_name', pid: index, args: { name: `${pid} ${program ?? ''}`.trim() } },
    { ph: 'M', name: 'thread_name', pid: index, tid: 0, args: { name: 'held' } },
    { ph: 'M', name: 'thread_name', pid: index, tid: 1, args: { name: 'waited' } },
  ]);
  const events = spans.map(({ kind, process, lock, backend, mode, startMs: from, endMs, outcome }) => ({
    ph: 'X',
    name: lock,
    cat: kind,
    pid: process,
    tid: kind === 'hold' ? 0 : 1,
    ts: Math.round((from - startMs) * 1_000),
    dur: Math.max(1, Math.round((endMs - from) * 1_000)),
    args: { backend, mode, outcome },
  }));
  return `${escapeJson(JSON.stringify({ displayTimeUnit: 'ms', traceEvents: [...names, ...events] }))}\n`;
}
