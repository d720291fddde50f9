import { constants } from 'node:os';

import type { AcquireRequest, Attempt, Backend, Grant } from '../../core/backend.js';
import { systemError } from '../../core/system-error.js';
import { LOCK_SHARED } from '../../platform/native-contract.js';
import { systemClock } from '../../platform/clock.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES } from './config.js';
import { NO_HOLD } from './grant.js';
import { waitInKernel } from './kernel-wait.js';

const { EWOULDBLOCK } = constants.errno;

/**
 * Locks a descriptor that this process inherited, for the process that it inherited it from: the lock belongs to
 * the open file that both have, and lasts until that is closed everywhere. Resources are descriptor numbers.
 * Releasing is the owner's business, so a grant's `release` does nothing.
 */
export const descriptorBackend: Backend = {
  name: 'flock',
  capabilities: FLOCK_CAPABILITIES,

  tryAcquire(request): Attempt {
    const result = loadNative().tryLockDescriptor(Number(request.resource), flagsOf(request));
    if (result === -EWOULDBLOCK) return { kind: 'contended' };
    if (result < 0) throw failure(request, result);
    return { kind: 'granted', grant: NO_HOLD };
  },

  waitAcquire(request, signal): Promise<Grant> {
    const native = loadNative();
    return waitInKernel<Grant>(native, systemClock, signal, {
      start: (settle) => native.waitLockDescriptor(Number(request.resource), flagsOf(request), settle),
      finish: (result) => {
        if (result < 0) throw failure(request, result);
        return NO_HOLD;
      },
    });
  },

  async inspect(resource) {
    const { inspectFile } = await import('./inspect.js');
    return inspectFile(`/dev/fd/${resource}`);
  },

  [Symbol.asyncDispose]: () => Promise.resolve(),
};

/** Frees the lock for every process that has the descriptor. */
export function unlockDescriptor(descriptor: number): void {
  const result = loadNative().unlockDescriptor(descriptor);
  if (result < 0) throw systemError('unlock', `descriptor ${descriptor}`, -result);
}

function flagsOf(request: AcquireRequest): number {
  return request.mode === 'shared' ? LOCK_SHARED : 0;
}

function failure(request: AcquireRequest, result: number): Error {
  return systemError('lock', `descriptor ${request.resource}`, -result);
}
