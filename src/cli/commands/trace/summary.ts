import { readTrace } from '../../../observe/trace-reader.js';
import { summarize, type TraceSummary } from '../../../observe/trace-summary.js';
import { printJson } from '../../envelope.js';
import { note } from '../../output.js';
import { print, type Line } from '../../print.js';
import { renderTable, type Column } from '../../render/table.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../../spec.js';
import { tableWidth } from '../../terminal.js';
import { traceDirectory, TRACE_DIRECTORY } from './directory.js';

export const spec: CommandForm = {
  name: 'trace',
  summary: 'Summarise the waits and holds that were recorded under HOLDFAST_TRACE',
  usage: ['trace [OPTIONS] [DIR]'],
  description: [
    'With HOLDFAST_TRACE=DIR in its environment each process records its waits and holds of a millisecond and more, and each loss, in files of at most 2 MB; above 16 MB in all the oldest go.',
    'Locks come by the time that was waited for them, and blockers by the time that others waited while they held.',
  ],
  options: [JSON_OPTION],
  positionals: [TRACE_DIRECTORY],
  examples: [
    { command: 'HOLDFAST_TRACE=/tmp/trace npm test', help: 'Record' },
    { command: 'holdfast trace /tmp/trace', help: 'Where the time went' },
  ],
};

const LOCKS: readonly Column[] = [
  { title: 'LOCK', isElastic: true },
  { title: 'WAITS', isNumeric: true },
  { title: 'WAITED', isNumeric: true },
  { title: 'P50', isNumeric: true },
  { title: 'P95', isNumeric: true },
  { title: 'MAX', isNumeric: true },
  { title: 'FAILED', isNumeric: true },
  { title: 'HOLDS', isNumeric: true },
  { title: 'HELD', isNumeric: true },
  { title: 'LOST', isNumeric: true },
];
const BLOCKERS: readonly Column[] = [
  { title: 'BLOCKER' },
  { title: 'LOCK', isElastic: true },
  { title: 'CAUSED', isNumeric: true },
  { title: 'HOLDS', isNumeric: true },
];
/** Lines of each table on paper; JSON has all. */
const SHOWN = 20;

export function execute(args: ParsedArguments): number {
  const summary = summarize(readTrace(traceDirectory(args, 0)));
  if (args.has('json')) return printJson(args, summaryJson(summary));
  if (summary.locks.length === 0) note('holdfast: nothing was recorded there');
  else print(...summaryLines(summary));
  return 0;
}

function summaryJson({ fromMs, toMs, ...rest }: TraceSummary): object {
  return {
    ...(fromMs !== undefined && { from: new Date(fromMs).toISOString() }),
    ...(toMs !== undefined && { to: new Date(toMs).toISOString() }),
    ...rest,
  };
}

function summaryLines({ locks, blockers, processes, fromMs = 0, toMs = 0 }: TraceSummary): Line[] {
  const rows = locks
    .slice(0, SHOWN)
    .map((lock) => [
      lock.lock,
      String(lock.waits),
      time(lock.waitedMs),
      time(lock.p50Ms),
      time(lock.p95Ms),
      time(lock.maxMs),
      lock.failed === 0 ? '' : String(lock.failed),
      String(lock.holds),
      time(lock.heldMs),
      lock.lost === 0 ? '' : String(lock.lost),
    ]);
  const causes = blockers
    .slice(0, SHOWN)
    .map(({ pid, program = '', lock, causedMs, holds }) => [
      `${pid} ${program}`,
      lock,
      time(causedMs),
      String(holds),
    ]);
  return [
    `${locks.length} locks, ${processes} processes, ${time(toMs - fromMs)}`,
    '',
    ...renderTable(LOCKS, rows, tableWidth()),
    ...(causes.length === 0 ? [] : ['', ...renderTable(BLOCKERS, causes, tableWidth())]),
  ];
}

/** Milliseconds below a second, else seconds. */
function time(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(ms < 10 ? 1 : 0)} ms` : `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}
