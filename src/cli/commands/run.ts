import { formatDuration } from '../../core/duration.js';
import type { WaitEvent } from '../../core/events.js';
import type { Guard } from '../../core/guard.js';
import { sleep, systemClock } from '../../platform/clock.js';
import { describeOwnCommand } from '../../platform/identity.js';
import { inheritedDescriptors } from '../../process/inherited-descriptors.js';
import { SignalCancel } from '../cancel.js';
import { note } from '../output.js';
import type { EventLog } from '../run/events.js';
import { readRunRequest, type RunRequest } from '../run/request.js';
import { lockableOf, type Lockable } from '../run/subject.js';
import { supervise, type Outcome } from '../run/supervise.js';
import { watchFreshness } from '../run/freshness.js';
import type { CommandForm, ParsedArguments } from '../spec.js';

export const spec: CommandForm = {
  name: 'run',
  summary: 'Run a command while holding a lock',
  usage: [
    'run [OPTIONS] LOCK [--] COMMAND [ARG...]',
    'run [OPTIONS] LOCK -c STRING',
    'run [OPTIONS] --for DATA_PATH [--] COMMAND [ARG...]',
    'run [OPTIONS] NUMBER',
  ],
  description: [
    'Waits until LOCK is free, takes it, runs COMMAND, and lets go when COMMAND has ended. Options end at LOCK: nothing behind it is read, except a -c that follows at once.',
    'LOCK is a path (the very file is locked, as by flock(1), and never changed unless it is ours) or an address. With a NUMBER and no command, the file descriptor of that number, inherited from the calling shell, is locked for that shell.',
    "The exit code is the command's own, or 128 + N after signal N. Not free in time: 75. Lost while it ran: 76. No permission: 77. Not executable: 126. Not found: 127.",
  ],
  isCutAtPositional: true,
  options: [
    { name: 'exclusive', short: ['x', 'e'], help: 'One holder at a time', default: 'yes' },
    { name: 'shared', short: ['s'], help: 'Share the lock with other shared holders' },
    { name: 'nonblock', short: ['n'], aliases: ['nb'], help: 'Fail at once instead of waiting' },
    {
      name: 'wait',
      short: ['w'],
      aliases: ['timeout', 'lock-timeout'],
      value: 'DUR',
      kind: 'duration',
      help: 'Fail after waiting this long',
      default: 'infinite',
    },
    {
      name: 'conflict-exit-code',
      short: ['E'],
      value: 'N',
      kind: 'exit-code',
      help: 'Exit code when the lock is not free in time',
      default: '75',
    },
    {
      name: 'command',
      short: ['c'],
      value: 'STRING',
      help: 'Run STRING with sh -c; stands right behind LOCK',
    },
    { name: 'close', short: ['o'], help: 'Do not pass the locked descriptor on to the command' },
    { name: 'no-fork', short: ['F'], help: 'Accepted as in flock(1); the command is still run as a child' },
    { name: 'for', value: 'DATA_PATH', help: 'Guard this data file, instead of naming a LOCK' },
    {
      name: 'unless-newer',
      value: 'FILE',
      help: 'Do nothing, and exit 0, if FILE was made or renewed while this command waited',
    },
    {
      name: 'lease',
      value: 'DUR',
      kind: 'duration',
      help: 'How long a lease lasts unless renewed',
      default: '30s',
    },
    {
      name: 'permits',
      value: 'N',
      kind: 'count',
      help: 'Let up to N hold it at a time; everybody must say the same N',
    },
    {
      name: 'stand-by',
      help: 'When the lock is lost, end the command, wait for the lock again and start the command again',
    },
    { name: 'reason', value: 'TEXT', help: 'Shown to those who wait' },
    {
      name: 'grace',
      value: 'DUR',
      kind: 'duration',
      help: 'Time between TERM and KILL when the lock is lost',
      default: '5s',
    },
    {
      name: 'lost-exit-code',
      value: 'N',
      kind: 'exit-code',
      help: 'Exit code when the lock was lost',
      default: '76',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about waiting and contention' },
    { name: 'verbose', help: 'Say what happens also when nobody is in the way' },
    { name: 'events', value: 'FILE|FD', help: 'Append what happens as JSON lines to a file or a descriptor' },
  ],
  positionals: [
    { name: 'LOCK', help: 'A path or an address' },
    { name: 'COMMAND', help: 'What to run', isOptional: true, isRepeatable: true, completes: 'command' },
  ],
  examples: [
    { command: 'holdfast run build.lock -- make -j8', help: 'Builds take turns' },
    {
      command: 'holdfast run -w 30s deploy.lock -c "npm ci && npm run deploy"',
      help: 'Give up after 30 seconds',
    },
    { command: 'holdfast run -n cron.lock backup.sh', help: 'Skip this time when the last one still runs' },
    {
      command: 'holdfast run --unless-newer dist/done build.lock -- make dist/done',
      help: 'Of many who want it built one builds, and the others wait for it',
    },
    { command: 'holdfast run --permits 2 jobs.lock -- ./job.sh', help: 'At most two of them at a time' },
    {
      command: 'holdfast run --stand-by etcd://db1:2379#scheduler -- node scheduler.js',
      help: 'One of many hosts runs it, and another one takes over',
    },
    { command: 'holdfast run -s --for data.json -- node report.js', help: 'Read while nobody writes' },
  ],
};

/** @param inherited descriptors that the command gets; found out before this process opens any of its own. */
export async function execute(
  args: ParsedArguments,
  inherited: readonly number[] = inheritedDescriptors(),
): Promise<number> {
  const request = await readRunRequest(args);
  const lockable = lockableOf(request.subject, inherited);
  const log = await openLog(request, lockable);
  if (request.argv.length > 0) describeOwnCommand(request.argv.join(' '));
  for (let isFirst = true; ; isFirst = false) {
    const outcome = await holdAndRun({ request, lockable, log, inherited });
    if (!request.isStandingBy) return outcome.exitCode;
    // Whoever stands by for a lost lock goes on when the server is away, which may be why it was lost.
    const mayReturn = outcome.isLost || (!isFirst && UNREACHABLE.has(outcome.code ?? ''));
    if (!mayReturn) return outcome.exitCode;
    note(`holdfast: standing by for "${lockable.shown}"`);
    if (!outcome.isLost) await sleep(STAND_BY_PAUSE_MS);
  }
}

/** Between attempts to reach a server that is away. */
const STAND_BY_PAUSE_MS = 1_000;
const UNREACHABLE: ReadonlySet<string> = new Set([
  'HOLDFAST_BACKEND_UNAVAILABLE',
  'HOLDFAST_UNCONFIRMED',
  'HOLDFAST_LOST',
]);

interface Job {
  readonly request: RunRequest;
  readonly lockable: Lockable;
  readonly log: EventLog | undefined;
  readonly inherited: readonly number[];
}

/** Once through: wait, hold, run, let go. */
async function holdAndRun({
  request,
  lockable,
  log,
  inherited,
}: Job): Promise<Outcome & { readonly code?: string }> {
  const isRenewed = request.unlessNewer === undefined ? undefined : watchFreshness(request.unlessNewer);
  const cancel = new SignalCancel();
  const startedAt = systemClock.now();
  let guard: Guard;
  try {
    guard = await lockable.acquire({
      mode: request.mode,
      coversChild: request.argv.length > 0,
      ...request.timeout,
      signal: cancel.signal,
      // A wrapper holds until its command ends, and does one thing at a time: a cycle through it stays.
      onDeadlock: 'fail',
      onWait: waitListener(request, lockable, cancel, log),
      ...(request.permits !== undefined && { permits: request.permits }),
      ...(request.reason !== undefined && { reason: request.reason }),
      ...(request.leaseDurationMs !== undefined && { leaseDurationMs: request.leaseDurationMs }),
    });
  } catch (error) {
    const { conflictExitCode, isQuiet } = request;
    const waitedMs = systemClock.now() - startedAt;
    const address = lockable.shown;
    const { reportFailure } = await import('../run/failure.js');
    const failure = reportFailure(error, { address, cancel, waitedMs, conflictExitCode, isQuiet });
    log?.({ event: 'failed', ...failure });
    return { exitCode: failure.exitCode, isLost: false, code: (error as { code?: string }).code ?? '' };
  }
  const waitedMs = systemClock.now() - startedAt;
  log?.({ event: 'acquired', waitedMs, holderId: guard.holderId, mode: guard.mode });
  if (request.isVerbose) {
    note(`holdfast: locked "${lockable.shown}" (${request.mode}) after ${formatDuration(waitedMs)}`);
  }
  if (request.subject.kind === 'descriptor') {
    cancel.disarm();
    return { exitCode: 0, isLost: false };
  }
  if (isRenewed?.() === true) {
    cancel.disarm();
    if (!request.isQuiet) note(`holdfast: "${request.unlessNewer}" was renewed meanwhile; nothing to do`);
    log?.({ event: 'skipped' });
    await guard.release();
    return { exitCode: 0, isLost: false };
  }
  if (request.isVerbose) note(`holdfast: running ${request.argv.join(' ')}`);
  const onStarted = (): void => cancel.disarm();
  return supervise({ request, guard, lock: lockable.absolute, inherited, log, onStarted });
}

async function openLog({ events }: RunRequest, { absolute }: Lockable): Promise<EventLog | undefined> {
  if (events === undefined) return undefined;
  const { openEventLog } = await import('../run/events.js');
  return openEventLog(events, absolute, systemClock);
}

/** What is to be done once somebody is found in the way, and not a moment earlier. */
function waitListener(
  request: RunRequest,
  lockable: Lockable,
  cancel: SignalCancel,
  log: EventLog | undefined,
): (event: WaitEvent) => void {
  let listener: Promise<(event: WaitEvent) => void> | undefined;
  return (event) => {
    if (event.type === 'started') {
      cancel.arm();
      listener = import('../run/contention.js').then(({ contentionListener }) =>
        contentionListener(request, lockable, cancel, log),
      );
    }
    // In the order in which they happened: what is loading hears of the first events a moment later.
    void listener?.then((hear) => hear(event));
  };
}
