import type { HolderInfo } from '../../core/backend.js';
import { systemClock } from '../../platform/clock.js';
import type { Inspection } from '../../locks/inspect.js';
import { printJson } from '../envelope.js';
import { inspectionJson } from '../json.js';
import { note } from '../output.js';
import { print } from '../print.js';
import { tableWidth } from '../terminal.js';
import { timeInShort } from '../render/holder.js';
import { inspectionsAt } from '../view/inspections.js';
import { toInspection } from '../view/survey-json.js';
import { renderTable, type Column } from '../render/table.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'ls',
  summary: 'List locks with their holders and waiters',
  usage: ['ls [OPTIONS] [DIR|ADDRESS...]'],
  description: [
    'At git:REMOTE it lists the claims, at the address of a server the locks that are held there. In a directory it lists our lock files there and in .holdfast/locks, and any other file that is locked right now.',
    'With --all it lists what is held or waited for on this machine: kernel locks, those of other programs too (kind "other"), leases and holds at servers that processes of this user have, and the claims of the repository that you stand in. What is named besides is looked at too.',
  ],
  options: [
    { name: 'all', short: ['a'], help: 'Every lock that is held or waited for on this machine' },
    JSON_OPTION,
  ],
  positionals: [
    {
      name: 'DIR|ADDRESS',
      help: 'Where to look; default: the current directory',
      isOptional: true,
      isRepeatable: true,
    },
  ],
  examples: [
    { command: 'holdfast ls', help: 'Locks in this directory' },
    { command: 'holdfast ls --all', help: 'All locks of this machine' },
    { command: 'holdfast ls --json /srv/jobs', help: 'For programs' },
  ],
};

const COLUMNS: readonly Column[] = [
  { title: 'LOCK' },
  { title: 'STATE' },
  { title: 'PID', isNumeric: true },
  { title: 'PROGRAM', isElastic: true },
  { title: 'SINCE' },
  { title: 'WAITING', isNumeric: true },
  { title: 'BACKEND' },
];

export async function execute(args: ParsedArguments): Promise<number> {
  const subjects = args.positionals.length === 0 ? ['.'] : args.positionals;
  const inspections: Inspection[] = [];
  if (args.has('all')) inspections.push(...(await locksOfMachine(args)));
  else for (const subject of subjects) inspections.push(...(await inspectionsAt(subject, args.command.name)));
  if (args.has('json')) return printJson(args, { locks: inspections.map(inspectionJson) });
  if (inspections.length === 0) {
    note('holdfast: no locks here');
    return 0;
  }
  const now = new Date(systemClock.wallNow());
  const rows = inspections.flatMap((one) => rowsOf(one, now));
  print(...renderTable(COLUMNS, rows, tableWidth()));
  return 0;
}

async function locksOfMachine(args: ParsedArguments): Promise<readonly Inspection[]> {
  const { surveyOnce } = await import('./top/places.js');
  const { survey, describe } = await surveyOnce(args);
  for (const problem of survey.problems) note(`holdfast: ${problem}`);
  return survey.locks.map((lock) => toInspection(describe(lock)));
}

/** One row per holder; the lock's name stands in the first only. */
function rowsOf({ address, backend, isHeld, holders, waiters }: Inspection, now: Date): string[][] {
  const waiting = waiters.length === 0 ? '' : String(waiters.length);
  if (!isHeld) return [[address, 'free', '', '', '', waiting, backend]];
  return holders.map((holder, index) => {
    const isFirst = index === 0;
    return [
      isFirst ? address : '',
      holder.mode,
      holder.pid === undefined ? '' : String(holder.pid),
      describe(holder),
      holder.sinceAt === undefined ? '' : timeInShort(holder.sinceAt, now),
      isFirst ? waiting : '',
      isFirst ? backend : '',
    ];
  });
}

function describe({ program, command, note: remark, reason }: HolderInfo): string {
  const said = command ?? program ?? (remark === undefined ? '' : `(${remark})`);
  return reason === undefined ? said : `${said} - ${reason}`;
}
