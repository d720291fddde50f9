import type { HolderInfo } from '../../core/backend.js';
import { formatDuration } from '../../core/duration.js';
import { systemClock } from '../../platform/clock.js';
import { commandOf, hostname } from '../../platform/identity.js';
import { inspect, type Inspection } from '../../locks/inspect.js';
import { printJson } from '../envelope.js';
import { inspectionJson } from '../json.js';
import { print, type Line, type Styled } from '../print.js';
import { proseWidth } from '../terminal.js';
import { timeInShort } from '../render/holder.js';
import { wrap } from '../render/text.js';
import { remedyOf, type Remedy } from '../render/remedy.js';
import { readAddress } from '../run/subject.js';
import { UsageError } from '../usage-error.js';
import { JSON_OPTION, type CommandForm, type ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'show',
  summary: 'Show the holders and waiters of one lock',
  usage: ['show [OPTIONS] LOCK'],
  options: [
    JSON_OPTION,
    {
      name: 'command',
      help: 'Also what each holder on this machine runs, arguments included, as the kernel shows it now',
    },
  ],
  positionals: [{ name: 'LOCK', help: 'A path or an address', completes: 'lock' }],
  examples: [{ command: 'holdfast show build.lock', help: 'Its holder, since when, with which program' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [lock = ''] = args.positionals;
  readAddress(lock, args.command.name);
  const inspection = await inspect(lock);
  // The parameters say which store it is. That address holds no credentials: one that did was refused above.
  const address = lock.startsWith('s3://') ? lock : inspection.address;
  const remedy = inspection.isHeld ? remedyOf({ ...inspection, address }) : undefined;
  if (args.has('json')) {
    if (args.has('command')) throw new UsageError('--command is for a terminal, without --json', 'show');
    const remedyJson = remedy?.command === undefined ? {} : { break: remedy.command };
    return printJson(args, { ...inspectionJson(inspection), ...remedyJson });
  }
  print(...describe(inspection, remedy, args.has('command')));
  return 0;
}

function describe(
  { address, backend, isHeld, holders, waiters }: Inspection,
  remedy: Remedy | undefined,
  withCommand: boolean,
): Line[] {
  const now = systemClock.wallNow();
  const state: Styled = isHeld
    ? { style: 'yellow', text: `held (${holders[0]?.mode ?? 'exclusive'})` }
    : { style: 'green', text: 'free' };
  const lines: Line[] = [{ parts: [{ style: 'bold', text: address }, ': ', state, `, ${backend}`] }];
  const show = (label: string, info: HolderInfo): void => {
    lines.push(...entry(label, withCommand ? withKernelCommand(info) : info, now));
  };
  for (const holder of holders) show('holder', holder);
  for (const waiter of waiters) show(`waiter (${waiter.mode})`, waiter);
  if (remedy !== undefined) lines.push(...wrap(remedy.text, proseWidth()));
  // Never wrapped: it is there to be copied.
  if (remedy?.command !== undefined) lines.push(`  ${remedy.command}`);
  return lines;
}

/** Arguments carry passwords, so they are read only here, and only from the kernel that runs the process. */
function withKernelCommand(info: HolderInfo): HolderInfo {
  const { pid, host, isAlive } = info;
  if (pid === undefined || isAlive !== true || (host !== undefined && host !== hostname())) return info;
  const command = commandOf(pid, COMMAND_LENGTH);
  return command === undefined ? info : { ...info, command };
}

const LABEL_WIDTH = 20;
/** Characters of a command line that are shown. */
const COMMAND_LENGTH = 1_000;

function entry(label: string, info: HolderInfo, nowMs: number): string[] {
  const names = [info.pid === undefined ? undefined : `pid ${info.pid}`, info.command ?? info.program].filter(
    (part) => part !== undefined,
  );
  const first = names.length > 0 ? names.join('  ') : (info.note ?? 'an unknown holder');
  const rows: [string, string | undefined][] = [
    [label, first],
    ['since', sinceOf(info, nowMs)],
    ['host', info.host],
    ['reason', info.reason],
    ['info', info.info === undefined ? undefined : JSON.stringify(info.info)],
    ['token', info.fencingToken === undefined ? undefined : String(info.fencingToken)],
    ['holder id', info.holderId],
    [
      'alive',
      info.isAlive === undefined || info.state === 'waiter' ? undefined : info.isAlive ? 'yes' : 'no',
    ],
    ['note', names.length > 0 ? info.note : undefined],
  ];
  return rows
    .filter((row): row is [string, string] => row[1] !== undefined)
    .map(
      ([name, value], index) =>
        `${(index === 0 ? `  ${name}` : `    ${name}`).padEnd(LABEL_WIDTH)}  ${value}`,
    );
}

function sinceOf({ sinceAt }: HolderInfo, nowMs: number): string | undefined {
  if (sinceAt === undefined) return undefined;
  const agoMs = nowMs - Date.parse(sinceAt);
  const ago =
    agoMs >= 0 ? ` (${formatDuration(Math.max(1_000, Math.floor(agoMs / 1_000) * 1_000))} ago)` : '';
  return `${timeInShort(sinceAt, new Date(nowMs))}${ago}`;
}
