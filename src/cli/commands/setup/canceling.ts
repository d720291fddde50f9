import { isLockError } from '../../../core/errors.js';
import { SignalCancel } from '../../cancel.js';
import { EXIT } from '../../exit-codes.js';
import { reportError } from '../../render/error.js';

/** Runs `work`, which Ctrl-C and TERM cancel; the exit code is then that of the signal. */
export async function canceledBySignals(work: (cancel: SignalCancel) => Promise<number>): Promise<number> {
  const cancel = new SignalCancel();
  cancel.arm();
  try {
    return await work(cancel);
  } catch (error) {
    if (!isLockError(error) || !error.isCanceled) throw error;
    reportError(error);
    return cancel.received === 'SIGTERM' ? EXIT.terminated : EXIT.interrupted;
  } finally {
    cancel.disarm();
  }
}
