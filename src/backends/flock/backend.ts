import { constants } from 'node:os';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';

import type { AcquireRequest, Attempt, Backend, Grant } from '../../core/backend.js';
import type { Clock } from '../../core/clock.js';
import { LockError } from '../../core/errors.js';
import { recordEncoder } from '../../core/holder.js';
import { systemError } from '../../core/system-error.js';
import { ownCommand, ownIdentity } from '../../host/identity.js';
import { LOCK_CREATE, LOCK_GATE, LOCK_SHARED, type NativeAddon } from '../../host/native-contract.js';
import { loadNative } from '../../host/native.js';
import { FLOCK_CAPABILITIES, type FlockConfig } from './config.js';
import { FlockGrant } from './grant.js';
import { inspectFile } from './inspect.js';
import { nextToken } from './token.js';

const CONTENDED: Attempt = { kind: 'contended' };
const { EWOULDBLOCK, ENOENT, ESTALE, ETIMEDOUT } = constants.errno;

/** The kernel's own lock on the named file itself. See PROTOCOL.md in this folder. */
export function createFlockBackend(config: FlockConfig, clock: Clock): Backend {
  let native: NativeAddon | undefined;
  let encode: ReturnType<typeof recordEncoder> | undefined;

  function recordFor(request: AcquireRequest): string | undefined {
    if (request.mode === 'shared' || !request.record) return undefined;
    encode ??= recordEncoder({ ...ownIdentity(), command: ownCommand() });
    return encode(request.holderId, Math.round(clock.wallNow()), request.reason);
  }

  /** True when a directory that is ours to make was missing and is there now: then try once more. */
  function madeDirectory(path: string, result: number): boolean {
    if (result !== -ENOENT || !config.createDirectories) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return true;
  }

  function attemptOf(request: AcquireRequest, result: number): Attempt {
    if (result > 0) return { kind: 'granted', grant: grantOf(native as NativeAddon, result, request) };
    if (result === -EWOULDBLOCK || result === -ETIMEDOUT) return CONTENDED;
    throw failure(request.resource, -result);
  }

  /** The grant for a fresh hold, numbered if that was asked for; a hold that cannot be numbered is given back. */
  function grantOf(addon: NativeAddon, handle: number, request: AcquireRequest): FlockGrant {
    if (!request.fencing) return new FlockGrant(addon, handle, undefined);
    try {
      return new FlockGrant(
        addon,
        handle,
        nextToken(request.resource, addon.descriptor(handle), clock.wallNow()),
      );
    } catch (error) {
      addon.unlock(handle);
      throw error;
    }
  }

  return {
    name: 'flock',
    capabilities: FLOCK_CAPABILITIES,

    tryAcquire(request): Attempt {
      const addon = (native ??= loadNative());
      assertNumberable(request);
      const record = recordFor(request);
      const { resource } = request;
      const flags = flagsOf(request);
      let result = addon.tryLock(resource, flags, config.createMode, record);
      if (madeDirectory(resource, result)) result = addon.tryLock(resource, flags, config.createMode, record);
      return attemptOf(request, result);
    },

    waitAcquire(request, signal): Promise<Grant> {
      const addon = (native ??= loadNative());
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const onAbort = (): void => {
          // The caller is answered at once; a grant that wins the race against the cancel is released in C.
          addon.cancelWait(waitId);
          reject(signal.reason);
        };
        const done = (result: number): void => {
          signal.removeEventListener('abort', onAbort);
          if (result < 0) return reject(failure(request.resource, -result));
          try {
            resolve(grantOf(addon, result, request));
          } catch (error) {
            reject(error);
          }
        };
        const { resource } = request;
        const waitId = addon.waitLock(
          resource,
          flagsOf(request),
          config.createMode,
          recordFor(request),
          done,
        );
        if (waitId < 0) return reject(failure(resource, -waitId));
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },

    acquireBlocking(request, timeoutMs): Attempt {
      const addon = (native ??= loadNative());
      assertNumberable(request);
      const { resource } = request;
      const block = (): number =>
        addon.lockBlocking(resource, flagsOf(request), config.createMode, recordFor(request), timeoutMs);
      let result = block();
      if (madeDirectory(resource, result)) result = block();
      return attemptOf(request, result);
    },

    inspect: inspectFile,

    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function assertNumberable(request: AcquireRequest): void {
  if (!request.fencing || request.mode === 'exclusive') return;
  throw new LockError(
    `Could not number the holds of "${request.resource}": a shared hold has no number of its own. Ask for mode "exclusive".`,
    { code: 'HOLDFAST_UNSUPPORTED', resource: request.resource },
  );
}

function flagsOf(request: AcquireRequest): number {
  return LOCK_CREATE | LOCK_GATE | (request.mode === 'shared' ? LOCK_SHARED : 0);
}

function failure(resource: string, errno: number): LockError {
  if (errno !== ESTALE) return systemError('lock', resource, errno);
  return new LockError(
    `Could not lock "${resource}": the file was another one each of 100 times it was opened. Stop what replaces it, or lock a path on a file system with stable inodes.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource },
  );
}
