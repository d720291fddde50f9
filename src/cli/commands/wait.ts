import { isLockError } from '../../core/errors.js';
import { systemClock } from '../../platform/clock.js';
import { waitUntilFree } from '../../locks/inspect.js';
import { SignalCancel } from '../cancel.js';
import { EXIT } from '../exit-codes.js';
import { note } from '../output.js';
import { WaitReport } from '../render/waiting.js';
import { reportFailure } from '../run/failure.js';
import { readAddress } from '../run/subject.js';
import type { CommandForm, ParsedArguments } from '../spec.js';
import { resolveTimeout } from '../timeout.js';

export const spec: CommandForm = {
  name: 'wait',
  summary: 'Wait until a lock is free, without taking it',
  usage: ['wait [OPTIONS] LOCK'],
  description: ['Exits 0 once LOCK is free and 75 when it is still held at the timeout. Creates nothing.'],
  options: [
    {
      name: 'wait',
      short: ['w'],
      aliases: ['timeout', 'lock-timeout'],
      value: 'DUR',
      kind: 'duration',
      help: 'Fail after waiting this long',
      default: 'infinite',
    },
    { name: 'quiet', short: ['q'], help: 'Say nothing about waiting' },
  ],
  positionals: [{ name: 'LOCK', help: 'A path or an address', completes: 'lock' }],
  examples: [{ command: 'holdfast wait -w 10m build.lock', help: 'Until no build runs any more' }],
};

export async function execute(args: ParsedArguments): Promise<number> {
  const [lock = ''] = args.positionals;
  const { display } = readAddress(lock, args.command.name);
  const timeout = await resolveTimeout(args, {
    option: 'wait',
    configKey: 'lockTimeout',
    defaultMs: Infinity,
  });
  const isQuiet = args.has('quiet');
  const cancel = new SignalCancel();
  const startedAt = systemClock.now();
  const report = isQuiet
    ? undefined
    : new WaitReport({ address: display, timeout, clock: systemClock, success: 'free:' });
  try {
    await waitUntilFree(lock, {
      ...timeout.options,
      signal: cancel.signal,
      onWait: (event) => {
        cancel.arm();
        report?.onWait(event);
      },
    });
    return EXIT.ok;
  } catch (error) {
    // "Could not lock" would be untrue: it never wanted to.
    if (isLockError(error) && error.isTimeout) {
      if (!isQuiet) note(`holdfast: ${error.message.replace('Could not lock', 'Could not see the end of')}`);
      return EXIT.contended;
    }
    const waitedMs = systemClock.now() - startedAt;
    return reportFailure(error, {
      address: display,
      cancel,
      waitedMs,
      conflictExitCode: EXIT.contended,
      isQuiet,
    }).exitCode;
  } finally {
    cancel.disarm();
  }
}
