import { SignalCancel } from '../../cancel.js';
import { reportError } from '../../render/error.js';
import { canceledExitCode } from './lock-wait.js';

/** Runs `work`, which Ctrl-C and TERM cancel; the exit code is then that of the signal. */
export async function canceledBySignals(work: (cancel: SignalCancel) => Promise<number>): Promise<number> {
  const cancel = new SignalCancel();
  cancel.arm();
  try {
    return await work(cancel);
  } catch (error) {
    const exitCode = canceledExitCode(error, cancel);
    if (exitCode === undefined) throw error;
    reportError(error);
    return exitCode;
  } finally {
    cancel.disarm();
  }
}
