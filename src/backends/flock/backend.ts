import { constants } from 'node:os';

import type { AcquireRequest, Attempt, Backend, Grant, HolderInfo } from '../../core/backend.js';
import type { Clock } from '../../core/time.js';
import type { DeadlockLink } from '../../core/deadlock.js';
import { LockError } from '../../core/errors.js';
import { recordEncoder, type RecordEncoder } from '../../core/holder.js';
import { errnoName, systemError } from '../../core/system-error.js';
import { ownHolder } from '../../platform/holder-record.js';
import {
  LOCK_CREATE,
  LOCK_DIRECTORY,
  LOCK_GATE,
  LOCK_YIELD,
  LOCK_SHARED,
  lockOwn,
  type NativeAddon,
} from '../../platform/native-contract.js';
import { loadNative } from '../../platform/native.js';
import { FLOCK_CAPABILITIES, type FlockConfig } from './config.js';
import { FlockGrant } from './grant.js';
import { waitInKernel } from './kernel-wait.js';
import { nextToken } from './token.js';

const CONTENDED: Attempt = { kind: 'contended' };
/** A lock file of ours is made, and removed again by others, so often before its lock is given up. */
const MAKE_LIMIT = 20;
const { EACCES, EISDIR, ELOOP, ENOENT, ENOTDIR, EPERM, ESTALE, ETIMEDOUT, EWOULDBLOCK } = constants.errno;
/** What opening a path of ours answers when another user has put something into it. */
const UNTRUSTED = new Set([EACCES, EISDIR, ELOOP, ENOTDIR, EPERM]);

/** How one acquisition opens its path; attempts add to it. */
interface Opening {
  readonly path: string;
  flags: number;
  readonly mode: number;
  attempts: number;
}

/** The kernel's own lock on the named file itself. See PROTOCOL.md in this folder. */
export class FlockBackend implements Backend {
  readonly name = 'flock';
  readonly capabilities = FLOCK_CAPABILITIES;
  readonly #config: FlockConfig;
  readonly #clock: Clock;
  #native: NativeAddon | undefined = undefined;
  readonly #encoders: { plain?: RecordEncoder; withCommand?: RecordEncoder } = {};

  constructor(config: FlockConfig, clock: Clock) {
    this.#config = config;
    this.#clock = clock;
  }

  tryAcquire(request: AcquireRequest): Attempt | Promise<Attempt> {
    const { permits } = request;
    if (permits === undefined) return this.tryFile(request);
    // Loaded at the first use.
    return import('./permits.js').then(({ tryPermit }) => tryPermit(this, request, permits));
  }

  /** A try without permits. */
  tryFile(request: AcquireRequest): Attempt {
    const native = this.#prepare(request);
    const { resource } = request;
    const record = this.#recordFor(request);
    const opening = this.#openingOf(request);
    let result;
    do result = native.tryLock(resource, opening.flags, opening.mode, record);
    while (result < 0 && this.#isWorthAnother(opening, result));
    return this.#attemptOf(native, request, result);
  }

  waitAcquire(request: AcquireRequest, signal: AbortSignal): Promise<Grant> {
    const { permits } = request;
    if (permits !== undefined)
      return import('./permits.js').then(({ waitForPermit }) =>
        waitForPermit(this, request, permits, signal),
      );
    const native = this.#prepare(request);
    const { resource } = request;
    const record = this.#recordFor(request);
    const opening = this.#openingOf(request);
    return waitInKernel<Grant>(native, this.#clock, signal, {
      start: (settle) => native.waitLock(resource, opening.flags, opening.mode, record, settle),
      finish: (result) => {
        if (result > 0) return this.#grantOf(native, request, result);
        if (this.#isWorthAnother(opening, result)) return undefined;
        throw this.#failure(resource, -result);
      },
    });
  }

  passOn(grant: Grant, request: AcquireRequest): Grant | undefined {
    if (!(grant instanceof FlockGrant)) return undefined;
    return grant.passOn(this.#openingOf(request).flags, this.#recordFor(request));
  }

  async findDeadlock(resource: string): Promise<readonly DeadlockLink[] | undefined> {
    const { findDeadlock } = await import('../../platform/wait-graph.js');
    return findDeadlock(resource, process.pid);
  }

  acquireBlocking(request: AcquireRequest, timeoutMs: number): Attempt {
    const native = this.#prepare(request);
    const { resource } = request;
    const record = this.#recordFor(request);
    const opening = this.#openingOf(request);
    let result;
    do result = native.lockBlocking(resource, opening.flags, opening.mode, record, timeoutMs);
    while (result < 0 && this.#isWorthAnother(opening, result));
    return this.#attemptOf(native, request, result);
  }

  /** Loaded at the first inspection: the lock table is a third of what `run` would have to read at its start. */
  async inspect(resource: string): Promise<readonly HolderInfo[]> {
    const { inspectFile } = await import('./inspect.js');
    const { inspectPermits } = await import('./permits.js');
    const found = await inspectFile(resource);
    return [...found, ...(await inspectPermits(inspectFile, resource))];
  }

  async lastTick(resource: string): Promise<number | undefined> {
    const { lastTick } = await import('./tick.js');
    return lastTick(resource, this.#config.own?.partOf(resource));
  }

  async claimTick({ resource }: { readonly resource: string }, tick: number): Promise<number | undefined> {
    const { claimTick } = await import('./tick.js');
    return claimTick(resource, tick, this.#config.own?.partOf(resource));
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
    return (this.#native ??= loadNative());
  }

  #recordFor(request: AcquireRequest): string | undefined {
    if (request.mode === 'shared' || !request.record) return undefined;
    const { holderId, reason, info, recordCommand = false } = request;
    const encode = (this.#encoders[recordCommand ? 'withCommand' : 'plain'] ??= recordEncoder(
      ownHolder(recordCommand),
    ));
    return encode(holderId, Math.round(this.#clock.wallNow()), reason, info);
  }

  #openingOf(request: AcquireRequest): Opening {
    const own = process.platform === 'win32' ? undefined : this.#config.own?.partOf(request.resource);
    return {
      path: request.resource,
      flags: flagsOf(request) | (own === undefined ? 0 : lockOwn(own.depth)),
      mode: own?.owner ?? this.#config.createMode,
      attempts: 0,
    };
  }

  /**
   * Clears what was in the way of the last attempt: a file of ours that has to be made, or a path that is a directory
   * itself and may be locked as such. False when the result stands.
   */
  #isWorthAnother(opening: Opening, result: number): boolean {
    const { path } = opening;
    if (result === -EISDIR && (opening.flags & LOCK_DIRECTORY) === 0) {
      this.#config.assertLockableDirectory?.(path);
      opening.flags |= LOCK_DIRECTORY;
      return true;
    }
    const { own } = this.#config;
    if (result !== -ENOENT || own === undefined || ++opening.attempts > MAKE_LIMIT) return false;
    own.make(path, own.partOf(path));
    return true;
  }

  #attemptOf(native: NativeAddon, request: AcquireRequest, result: number): Attempt {
    if (result > 0) return { kind: 'granted', grant: this.#grantOf(native, request, result) };
    if (result === -EWOULDBLOCK || result === -ETIMEDOUT) return CONTENDED;
    throw this.#failure(request.resource, -result);
  }

  #failure(resource: string, errno: number): LockError {
    const { own } = this.#config;
    if (own !== undefined && UNTRUSTED.has(errno))
      return own.failure(resource, own.partOf(resource), errnoName(errno));
    if (errno !== ESTALE) return systemError('lock', resource, errno);
    return new LockError(
      `Could not lock "${resource}": the file was another one each of 100 times it was opened. Stop what replaces it, or lock a path on a file system with stable inodes.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource },
    );
  }

  /** The grant for a fresh hold, numbered if that was asked for; a hold that cannot be numbered is released. */
  #grantOf(native: NativeAddon, request: AcquireRequest, handle: number): FlockGrant {
    if (!request.fencing) return new FlockGrant(native, handle, undefined);
    try {
      const own = this.#config.own?.partOf(request.resource);
      const token = nextToken(request.resource, native.descriptor(handle), this.#clock, own);
      return new FlockGrant(native, handle, token);
    } catch (error) {
      native.unlock(handle);
      throw error;
    }
  }
}

function flagsOf(request: AcquireRequest): number {
  const yielding = request.isYielding ? LOCK_YIELD : 0;
  return LOCK_CREATE | LOCK_GATE | yielding | (request.mode === 'shared' ? LOCK_SHARED : 0);
}
