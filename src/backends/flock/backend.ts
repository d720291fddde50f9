import { constants } from 'node:os';
import { dirname } from 'node:path';

import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import type { Clock, Timer } from '../../core/time.js';
import type { DeadlockLink } from '../../core/deadlock.js';
import { LockError } from '../../core/errors.js';
import { recordEncoder } from '../../core/holder.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { makeDirectory } from '../../files/make-directory.js';
import { ownCommand, ownIdentity } from '../../platform/identity.js';
import {
  LOCK_CREATE,
  LOCK_DIRECTORY,
  LOCK_GATE,
  LOCK_POLITE,
  LOCK_SHARED,
  type NativeAddon,
} from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES, type FlockConfig } from './config.js';
import { FlockGrant } from './grant.js';
import { inspectPermits, tryPermit, waitForPermit } from './permits.js';
import { nextToken } from './token.js';

const CONTENDED: Attempt = { kind: 'contended' };
/** A thread that sleeps where no signal reaches it (a network share that hangs) does not keep its caller. */
const CANCEL_WITHIN_MS = 200;
/** `.holdfast/locks`, or a `lockDir`. */
const OWN_DIRECTORIES = { mode: 0o700, levels: 2 };
const { EISDIR, EWOULDBLOCK, ENOENT, ESTALE, ETIMEDOUT } = constants.errno;

/** The kernel's own lock on the named file itself. See PROTOCOL.md in this folder. */
export class FlockBackend implements Backend {
  readonly name = 'flock';
  readonly capabilities = FLOCK_CAPABILITIES;
  readonly #config: FlockConfig;
  readonly #clock: Clock;
  #native: NativeAddon | undefined = undefined;
  #encode: ReturnType<typeof recordEncoder> | undefined = undefined;

  constructor(config: FlockConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  tryAcquire(request: AcquireRequest): Attempt {
    if (request.permits !== undefined) return tryPermit(this, request, request.permits);
    const native = this.#prepare(request);
    const { resource } = request;
    const { createMode } = this.#config;
    const flags = flagsOf(request);
    const record = this.#recordFor(request);
    let result = native.tryLock(resource, flags, createMode, record);
    if (result < 0) {
      const better = this.#flagsForAnother(resource, result, flags);
      if (better !== undefined) result = native.tryLock(resource, better, createMode, record);
    }
    return this.#attemptOf(native, request, result);
  }

  waitAcquire(request: AcquireRequest, signal: AbortSignal): Promise<Grant> {
    if (request.permits !== undefined) return waitForPermit(this, request, request.permits, signal);
    const native = this.#prepare(request);
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const { resource } = request;
      const { createMode } = this.#config;
      const record = this.#recordFor(request);
      let flags = flagsOf(request);
      let waitId: number;
      let isSecond = false;
      // Not `signal.aborted`: that getter, with cold caches, takes the next holder 4 us.
      let isAborted = false;
      let overdue: Timer | undefined;
      // INV-FLOCK-6: answered when the wait is over in C, where a grant that wins against the cancel is released: whoever
      // is told that it does not hold has nothing left that others could find in their way.
      const onAbort = (): void => {
        isAborted = true;
        native.cancelWait(waitId);
        overdue = this.#clock.setTimer(CANCEL_WITHIN_MS, () => reject(signal.reason));
      };
      const settle = (result: number): void => {
        if (isAborted) {
          overdue?.clear();
          return reject(signal.reason);
        }
        try {
          if (result < 0) return retry(result);
          resolve(this.#grantOf(native, request, result));
        } catch (error) {
          reject(error);
        }
        // The listener stays: the signal is this one call's and ends with it, an id that is finished is ignored, and
        // taking it off would cost the next holder 20 us of a handoff.
      };
      const retry = (result: number): void => {
        const better = isSecond ? undefined : this.#flagsForAnother(resource, result, flags);
        if (better === undefined) throw failure(resource, -result);
        isSecond = true;
        flags = better;
        start();
      };
      const start = (): void => {
        waitId = native.waitLock(resource, flags, createMode, record, settle);
        if (waitId < 0) throw failure(resource, -waitId);
      };
      start();
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  async findDeadlock(resource: string): Promise<readonly DeadlockLink[] | undefined> {
    const { findDeadlock } = await import('../../platform/wait-graph.js');
    return findDeadlock(resource, process.pid);
  }

  acquireBlocking(request: AcquireRequest, timeoutMs: number): Attempt {
    const native = this.#prepare(request);
    const { resource } = request;
    const { createMode } = this.#config;
    const flags = flagsOf(request);
    const record = this.#recordFor(request);
    let result = native.lockBlocking(resource, flags, createMode, record, timeoutMs);
    const better = result < 0 ? this.#flagsForAnother(resource, result, flags) : undefined;
    if (better !== undefined) result = native.lockBlocking(resource, better, createMode, record, timeoutMs);
    return this.#attemptOf(native, request, result);
  }

  /** Loaded when somebody asks: the lock table is a third of what `run` would have to read at its start. */
  async inspect(resource: string): Promise<readonly HolderInfo[]> {
    const { inspectFile } = await import('./inspect.js');
    const found = await inspectFile(resource);
    return [...found, ...(await inspectPermits(inspectFile, resource))];
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }

  #prepare(request: AcquireRequest): NativeAddon {
    if (request.fencing && request.mode === 'shared') {
      throw new LockError(
        `Could not number the holds of "${request.resource}": a shared hold has no number of its own. Ask for mode "exclusive".`,
        { code: 'HOLDFAST_UNSUPPORTED', resource: request.resource },
      );
    }
    // The counter's file is checked through the lock's descriptor, and Windows gives none.
    if (request.fencing && process.platform === 'win32') {
      throw new LockError(
        `Could not number the holds of "${request.resource}": kernel locks on Windows carry no number. Do without fencing, or use a backend that has it.`,
        { code: 'HOLDFAST_UNSUPPORTED', resource: request.resource },
      );
    }
    return (this.#native ??= loadNative());
  }

  #recordFor(request: AcquireRequest): string | undefined {
    if (request.mode === 'shared' || !request.record) return undefined;
    this.#encode ??= recordEncoder({ ...ownIdentity(), command: ownCommand() });
    return this.#encode(request.holderId, Math.round(this.#clock.wallNow()), request.reason);
  }

  /**
   * The flags for one more try, once what was in the way is out of it: a directory of ours that has to be made, or a
   * path that is a directory itself and may be locked as such. Undefined when the result stands.
   */
  #flagsForAnother(path: string, result: number, flags: number): number | undefined {
    if (result === -EISDIR && (flags & LOCK_DIRECTORY) === 0) {
      this.#config.assertLockableDirectory?.(path);
      return flags | LOCK_DIRECTORY;
    }
    if (result !== -ENOENT || !this.#config.createDirectories) return undefined;
    try {
      makeDirectory(dirname(path), OWN_DIRECTORIES);
    } catch (error) {
      throw systemError('lock', path, errnoOf(error) ?? 'EIO', error);
    }
    return flags;
  }

  #attemptOf(native: NativeAddon, request: AcquireRequest, result: number): Attempt {
    if (result > 0) return { kind: 'granted', grant: this.#grantOf(native, request, result) };
    if (result === -EWOULDBLOCK || result === -ETIMEDOUT) return CONTENDED;
    throw failure(request.resource, -result);
  }

  /** The grant for a fresh hold, numbered if that was asked for; a hold that cannot be numbered is given back. */
  #grantOf(native: NativeAddon, request: AcquireRequest, handle: number): FlockGrant {
    if (!request.fencing) return new FlockGrant(native, handle, undefined);
    try {
      const token = nextToken(request.resource, native.descriptor(handle), this.#clock.wallNow());
      return new FlockGrant(native, handle, token);
    } catch (error) {
      native.unlock(handle);
      throw error;
    }
  }
}

function flagsOf(request: AcquireRequest): number {
  const polite = request.isYielding ? LOCK_POLITE : 0;
  return LOCK_CREATE | LOCK_GATE | polite | (request.mode === 'shared' ? LOCK_SHARED : 0);
}

function failure(resource: string, errno: number): LockError {
  if (errno !== ESTALE) return systemError('lock', resource, errno);
  return new LockError(
    `Could not lock "${resource}": the file was another one each of 100 times it was opened. Stop what replaces it, or lock a path on a file system with stable inodes.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource },
  );
}
