import { constants } from 'node:os';

import type { Attempt, Backend, Grant } from '../../core/backend.js';
import { systemError } from '../../core/system-error.js';
import { LOCK_DIRECTORY } from '../../platform/native-contract.js';
import { systemClock } from '../../platform/clock.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES } from './config.js';
import { NO_HOLD } from './grant.js';
import { waitInKernel } from './kernel-wait.js';

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
    return { kind: 'granted', grant: NO_HOLD };
  },

  waitAcquire(request, signal): Promise<Grant> {
    const native = loadNative();
    const { resource } = request;
    return waitInKernel<Grant>(native, systemClock, signal, {
      start: (settle) => native.waitLock(resource, LOCK_DIRECTORY, 0, undefined, settle),
      finish: (result) => {
        if (result > 0) native.unlock(result);
        else if (result !== -ENOENT) throw systemError('wait for', resource, -result);
        return NO_HOLD;
      },
    });
  },

  async inspect(resource) {
    const { inspectFile } = await import('./inspect.js');
    return inspectFile(resource);
  },

  [Symbol.asyncDispose]: () => Promise.resolve(),
};
