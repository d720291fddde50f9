import type { Grant } from '../../core/backend.js';
import type { LossReason } from '../../core/lease.js';
import type { NativeAddon } from '../../platform/native-contract.js';

/** A hold of the kernel's. A class, because an object literal with closures costs the hot path 0.2 us. */
export class FlockGrant implements Grant {
  readonly #native: NativeAddon;
  readonly #handle: number;
  // Not optional: every grant has one shape, which keeps the hot path monomorphic.
  readonly #fencingToken: bigint | undefined;
  #isInherited = false;

  constructor(native: NativeAddon, handle: number, fencingToken: bigint | undefined) {
    this.#native = native;
    this.#handle = handle;
    this.#fencingToken = fencingToken;
  }

  get fencingToken(): bigint | undefined {
    return this.#fencingToken;
  }

  check(): LossReason | undefined {
    return this.#native.verify(this.#handle) === 1 ? undefined : 'record-missing';
  }

  /** The kernel ends a hold only with the process. What can be lost is the file's name; `check` looks for that. */
  onLost(): void {}

  release(): void {
    this.#native.unlock(this.#handle);
  }

  /** The same hold for another caller; undefined where a child has it too, or its file is no longer at its path. */
  passOn(flags: number, record: string | undefined): FlockGrant | undefined {
    if (this.#isInherited) return undefined;
    const handle = this.#native.passOn(this.#handle, flags, record);
    return handle > 0 ? new FlockGrant(this.#native, handle, undefined) : undefined;
  }

  /** For `spawn` and nothing else: a child that inherits it keeps the lock when this process is killed. */
  get descriptor(): number {
    this.#isInherited = true;
    return this.#native.descriptor(this.#handle);
  }

  /** Closes our descriptor without unlocking: the children that inherited it keep the lock. */
  abandon(): void {
    this.#native.abandon(this.#handle);
  }
}

/** A grant with nothing to release: of a wait that only looks, and of a descriptor that its owner unlocks. */
export const NO_HOLD: Grant = {
  check: () => undefined,
  onLost: () => undefined,
  release: () => undefined,
};
