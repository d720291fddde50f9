// SIGTERM or SIGINT: what is going on ends soon, one way or the other, and the lock is free for others.
import { constants } from 'node:os';

/** After this the process ends as it is. Its lease ends by itself, and nothing half-done is visible. */
const GRACE_MS = 30_000;

export class Stopped extends Error {
  constructor(signal) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Aborts at the first such signal. */
export function stopSignal() {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT']) {
    process.once(name, () => {
      const stopped = new Stopped(name);
      controller.abort(stopped);
      setTimeout(() => process.exit(stopped.exitCode), GRACE_MS).unref();
    });
  }
  return controller.signal;
}
