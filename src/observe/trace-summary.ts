import type { Trace, TracedSpan } from './trace-reader.js';

export interface LockSummary {
  readonly lock: string;
  readonly backend: string;
  readonly waits: number;
  readonly waitedMs: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  readonly holds: number;
  readonly heldMs: number;
  /** Waits that ended without the lock. */
  readonly failed: number;
  readonly lost: number;
}

export interface BlockerSummary {
  readonly pid: number;
  readonly program: string | undefined;
  readonly lock: string;
  /** Milliseconds that others waited for the lock while this process held it. */
  readonly causedMs: number;
  readonly holds: number;
}

export interface TraceSummary {
  readonly fromMs: number | undefined;
  readonly toMs: number | undefined;
  readonly processes: number;
  /** Most waiting first. */
  readonly locks: readonly LockSummary[];
  /** Most waiting caused first. */
  readonly blockers: readonly BlockerSummary[];
}

export function summarize(trace: Trace): TraceSummary {
  const byLock = new Map<string, TracedSpan[]>();
  let toMs: number | undefined;
  for (const span of trace.spans) {
    const known = byLock.get(span.lock);
    if (known === undefined) byLock.set(span.lock, [span]);
    else known.push(span);
    toMs = Math.max(toMs ?? -Infinity, span.endMs);
  }
  const locks = [...byLock].map(([lock, spans]) => lockSummary(lock, spans));
  const blockers = [...byLock].flatMap(([lock, spans]) => blockersOf(trace, lock, spans));
  return {
    fromMs: trace.spans[0]?.startMs,
    toMs,
    processes: trace.processes.length,
    locks: locks.toSorted((a, b) => b.waitedMs - a.waitedMs || b.heldMs - a.heldMs),
    blockers: blockers.toSorted((a, b) => b.causedMs - a.causedMs),
  };
}

function lockSummary(lock: string, spans: readonly TracedSpan[]): LockSummary {
  const waits = spans.filter(({ kind }) => kind === 'wait');
  const holds = spans.filter(({ kind }) => kind === 'hold');
  const times = waits.map(lengthOf).toSorted((a, b) => a - b);
  const at = (part: number): number => times[Math.max(0, Math.ceil(part * times.length) - 1)] ?? 0;
  return {
    lock,
    backend: spans[0]?.backend ?? '',
    waits: waits.length,
    waitedMs: sum(times),
    p50Ms: at(0.5),
    p95Ms: at(0.95),
    maxMs: times.at(-1) ?? 0,
    holds: holds.length,
    heldMs: sum(holds.map(lengthOf)),
    failed: waits.filter(({ outcome }) => outcome !== 'acquired').length,
    lost: holds.filter(({ outcome }) => outcome.startsWith('lost')).length,
  };
}

/** By what part of each wait a hold covers. Holds under a millisecond are not recorded, so a part may have no holder. */
function blockersOf(trace: Trace, lock: string, spans: readonly TracedSpan[]): BlockerSummary[] {
  const holds = spans.filter(({ kind }) => kind === 'hold');
  // Ends rise with beginnings but for shared holds: this gives the place to begin at.
  const endsUpTo: number[] = [];
  for (const { endMs } of holds) endsUpTo.push(Math.max(endMs, endsUpTo.at(-1) ?? -Infinity));
  const caused = new Map<number, number>();
  const counts = new Map<number, number>();
  for (const { process } of holds) counts.set(process, (counts.get(process) ?? 0) + 1);
  for (const wait of spans) {
    if (wait.kind !== 'wait') continue;
    for (let at = firstAfter(endsUpTo, wait.startMs); at < holds.length; at++) {
      const hold = holds[at] as TracedSpan;
      if (hold.startMs >= wait.endMs) break;
      const overlap = Math.min(hold.endMs, wait.endMs) - Math.max(hold.startMs, wait.startMs);
      if (overlap > 0) caused.set(hold.process, (caused.get(hold.process) ?? 0) + overlap);
    }
  }
  return [...caused].map(([index, causedMs]) => ({
    pid: trace.processes[index]?.pid ?? 0,
    program: trace.processes[index]?.program,
    lock,
    causedMs,
    holds: counts.get(index) ?? 0,
  }));
}

/** The first index whose value is above `limit`; the values rise. */
function firstAfter(values: readonly number[], limit: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

function lengthOf({ startMs, endMs }: TracedSpan): number {
  return endMs - startMs;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
