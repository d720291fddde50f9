import { constants } from 'node:os';

import type { AcquireRequest, Attempt, Backend, Grant } from '../../core/backend.js';
import { systemError } from '../../core/system-error.js';
import { LOCK_DIRECTORY } from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES } from './config.js';

const { ENOENT } = constants.errno;

/**
 * Waits until the file is free, in the kernel's queue and without polling. It has the lock for the moment
 * that proves it, so a try-lock of another process in that moment fails. Stays out of the writers' gate, creates
 * nothing and writes nothing; a file that does not exist is free.
 */
export const flockObserver: Backend = {
  name: 'flock',
  capabilities: FLOCK_CAPABILITIES,

  async tryAcquire(request): Promise<Attempt> {
    const { inspectFile } = await import('./inspect.js');
    const found = await inspectFile(request.resource);
    if (found.some(({ state }) => state === 'holder')) return { kind: 'contended' };
    return { kind: 'granted', grant: NOTHING_HELD };
  },

  waitAcquire(request, signal): Promise<Grant> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      waitForMoment(request, signal, resolve, reject);
    });
  },

  async inspect(resource) {
    const { inspectFile } = await import('./inspect.js');
    return inspectFile(resource);
  },

  [Symbol.asyncDispose]: () => Promise.resolve(),
};

const NOTHING_HELD: Grant = {
  check: () => undefined,
  onLost: () => undefined,
  release: () => undefined,
};

function waitForMoment(
  request: AcquireRequest,
  signal: AbortSignal,
  resolve: (grant: Grant) => void,
  reject: (reason: unknown) => void,
): void {
  const native = loadNative();
  const onAbort = (): void => {
    native.cancelWait(waitId);
    reject(signal.reason);
  };
  const done = (result: number): void => {
    signal.removeEventListener('abort', onAbort);
    if (result > 0) native.unlock(result);
    if (result > 0 || result === -ENOENT) resolve(NOTHING_HELD);
    else reject(systemError('wait for', request.resource, -result));
  };
  const waitId = native.waitLock(request.resource, LOCK_DIRECTORY, 0, undefined, done);
  if (waitId < 0) return reject(systemError('wait for', request.resource, -waitId));
  signal.addEventListener('abort', onAbort, { once: true });
}
