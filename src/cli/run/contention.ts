import type { WaitEvent } from '../../core/events.js';
import { systemClock } from '../../platform/clock.js';
import type { SignalCancel } from '../cancel.js';
import { WaitReport } from '../render/waiting.js';
import { EnclosedError } from './failure.js';
import { enclosingHolder } from './chain.js';
import type { EventLog } from './events.js';
import type { RunRequest } from './request.js';
import type { Lockable } from './given.js';

/** Listens to the events of a wait: prints and logs them, and ends a wait that could only end by itself. */
export function contentionListener(
  request: RunRequest,
  { shown }: Lockable,
  cancel: SignalCancel,
  log: EventLog | undefined,
): (event: WaitEvent) => void {
  const { timeout, isQuiet } = request;
  const report = isQuiet ? undefined : new WaitReport({ address: shown, timeout, clock: systemClock });
  return (event) => {
    report?.onWait(event);
    if (event.type === 'started') void refuseEnclosed(event, cancel, log);
  };
}

async function refuseEnclosed(
  event: WaitEvent,
  cancel: SignalCancel,
  log: EventLog | undefined,
): Promise<void> {
  const holders = await event.inspect().catch(() => []);
  const { timeoutMs } = event;
  log?.({ event: 'waiting', holders, timeoutMs: timeoutMs === Infinity ? 'infinite' : timeoutMs });
  const holder = enclosingHolder(holders, process.env);
  if (holder !== undefined) cancel.abort(new EnclosedError(event.address, holder));
}
