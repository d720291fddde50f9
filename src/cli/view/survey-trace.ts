import type { Trace, TracedProcess, TracedSpan } from '../../observe/trace-reader.js';
import type { RankedLock, SeenParty, Survey } from '../../observe/seen.js';

/** One look as a trace: holds and waits that have lasted until now. */
export function traceOfSurvey({ atMs }: Survey, locks: readonly RankedLock[]): Trace {
  const processes: TracedProcess[] = [];
  const indexes = new Map<string, number>();
  const indexOf = ({ pid = 0, program, host }: SeenParty): number => {
    const name = `${host} ${pid}`;
    const known = indexes.get(name);
    if (known !== undefined) return known;
    indexes.set(name, processes.length);
    return processes.push({ pid, program, host }) - 1;
  };
  const spans = locks.flatMap(({ address, backend, holders, waiters }) => {
    const span =
      (kind: TracedSpan['kind']) =>
      (party: SeenParty): TracedSpan => ({
        kind,
        process: indexOf(party),
        lock: address,
        backend,
        mode: party.mode,
        startMs: Math.min(party.sinceAtMs, atMs - 1),
        endMs: atMs,
        outcome: party.isSinceExact ? 'still' : 'still, and longer than it was seen',
        isOpen: true,
      });
    return [...holders.map(span('hold')), ...waiters.map(span('wait'))];
  });
  return { processes, spans: spans.toSorted((a, b) => a.startMs - b.startMs) };
}
