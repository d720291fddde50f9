import { constants } from 'node:os';

import type { AcquireRequest, Attempt, Backend, Grant } from '../../core/backend.js';
import { systemError } from '../../core/system-error.js';
import { LOCK_SHARED } from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES } from './config.js';

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
    return { kind: 'granted', grant: GRANT };
  },

  waitAcquire(request, signal): Promise<Grant> {
    const native = loadNative();
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const onAbort = (): void => native.cancelWait(waitId);
      const done = (result: number): void => {
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted) reject(signal.reason);
        else if (result < 0) reject(failure(request, result));
        else resolve(GRANT);
      };
      const waitId = native.waitLockDescriptor(Number(request.resource), flagsOf(request), done);
      if (waitId < 0) return reject(failure(request, waitId));
      signal.addEventListener('abort', onAbort, { once: true });
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

const GRANT: Grant = {
  check: () => undefined,
  onLost: () => undefined,
  release: () => undefined,
};

function flagsOf(request: AcquireRequest): number {
  return request.mode === 'shared' ? LOCK_SHARED : 0;
}

function failure(request: AcquireRequest, result: number): Error {
  return systemError('lock', `descriptor ${request.resource}`, -result);
}
