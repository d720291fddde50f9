import type { Guard } from '../../core/guard.js';
import type { LockOptions } from '../../core/options.js';

/** What this process was started with, found out before it opens and changes anything. */
export interface Given {
  /** Descriptors that the command gets. */
  readonly inherited: readonly number[];
  /** The words behind `run` as bytes, where texts are not the whole truth; see `rawArguments`. */
  readonly raw: readonly Buffer[] | undefined;
}

/** A subject that can be locked. */
export interface Lockable {
  /** As the user named it, without credentials. */
  readonly shown: string;
  /** The same for the command's own working directory: absolute, an address where it is one. */
  readonly absolute: string;
  acquire(options: LockOptions): Promise<Guard>;
  /** Carries the lock, where the guard does not know it. */
  descriptor?(): number | undefined;
  /** To be called when the guard was released. */
  onReleased?(): void;
}
