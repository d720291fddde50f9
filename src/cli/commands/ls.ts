import { statSync } from 'node:fs';

import type { HolderInfo } from '../../core/backend.js';
import { withoutCredentials } from '../../core/credentials.js';
import { systemClock } from '../../platform/clock.js';
import { inspectAll, type Inspection } from '../../locks/inspect.js';
import { isServer, listLocks, listServerLocks } from '../../locks/list.js';
import { printJson } from '../envelope.js';
import { inspectionJson } from '../json.js';
import { note } from '../output.js';
import { print } from '../print.js';
import { tableWidth } from '../terminal.js';
import { timeInShort } from '../render/holder.js';
import { asTypedHere } from '../render/path.js';
import { renderTable, type Column } from '../render/table.js';
import { readAddress } from '../run/subject.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'ls',
  summary: 'List locks with their holders and waiters',
  usage: ['ls [OPTIONS] [DIR|ADDRESS...]'],
  description: [
    'At git:REMOTE it lists the claims, at the address of a server the locks that are held there. In a directory it lists our lock files there and in .holdfast/locks, and any other file that is locked right now.',
  ],
  options: [JSON_OPTION],
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
  for (const subject of subjects) {
    if (isRemote(subject)) inspections.push(...(await claimsAt(subject)));
    else inspections.push(...(await inspectAll(await addressesOf(subject, args.command.name))));
  }
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

/** `git:REMOTE` without a name stands for all claims there. */
function isRemote(subject: string): boolean {
  return /^git:[^#]+$/.test(subject);
}

async function claimsAt(subject: string): Promise<Inspection[]> {
  const { list } = await import('../../claims/index.js');
  const { claims } = await list({ remote: subject.slice('git:'.length) });
  return claims.map(({ id, agent, host, holderId, reason, sinceAt, generation }) => ({
    address: `${withoutCredentials(subject)}#${id}`,
    backend: 'git',
    isHeld: true,
    holders: [
      {
        state: 'holder',
        mode: 'exclusive',
        holderId,
        sinceAt,
        fencingToken: generation,
        note: `agent ${agent}`,
        ...(host !== undefined && { host }),
        ...(reason !== undefined && { reason }),
      },
    ],
    waiters: [],
  }));
}

/** A directory, or a server without a name behind #, stands for the locks in it, anything else for itself. */
async function addressesOf(subject: string, command: string): Promise<readonly string[]> {
  if (isServer(subject)) return listServerLocks(subject);
  const { scheme, target } = readAddress(subject, command);
  if (scheme !== 'path' || statSync(target, { throwIfNoEntry: false })?.isDirectory() !== true)
    return [subject];
  return (await listLocks(target)).map(asTypedHere);
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
