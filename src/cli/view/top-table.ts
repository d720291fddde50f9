import type { RankedLock, Survey } from '../../observe/seen.js';
import { describeDeadlock } from '../../core/deadlock.js';
import type { Line } from '../print.js';
import { renderTable, type Column } from '../render/table.js';
import { elapsed } from './elapsed.js';
import type { Totals } from './survey-json.js';
import { topRow } from './top-rows.js';

const COLUMNS: readonly Column[] = [
  { title: 'LOCK' },
  { title: 'HOLDER', isElastic: true },
  { title: 'HELD', isNumeric: true },
  { title: 'WAITERS', isNumeric: true },
  { title: 'OLDEST WAIT', isNumeric: true },
  { title: 'LEASE LEFT', isNumeric: true },
  { title: 'TOKEN', isNumeric: true },
];

export function summaryText({ locks, holders, waiters, waitedLastMinuteMs }: Totals): string {
  return `${locks} locks, ${holders} holders, ${waiters} waiters, ${elapsed(waitedLastMinuteMs)} waited in the last minute`;
}

/** One look as plain lines, cycles below the table. */
export function topTable(locks: readonly RankedLock[], { deadlocks, atMs }: Survey, width: number): Line[] {
  const rows = locks.map((lock) => {
    const { lock: name, holder, held, waiters, oldest, lease, token } = topRow(lock, atMs);
    return [name, holder, held, waiters, oldest, lease, token];
  });
  const cycles = deadlocks.map((cycle): Line => ({
    parts: [{ style: 'red', text: `Deadlock: ${describeDeadlock(cycle)}` }],
  }));
  return [...(rows.length === 0 ? [] : renderTable(COLUMNS, rows, width)), ...cycles];
}
