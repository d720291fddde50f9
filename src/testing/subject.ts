import type { Capabilities, HolderInfo, Mode } from '../core/backend.js';
import type { Guard } from '../core/guard.js';
import type { LockOptions } from '../core/options.js';

/** One connection to what is tested, with a queue and state of its own: two clients act as two programs. */
export interface Client {
  /**
   * As `acquire` of the library.
   *
   * @throws as `acquire` does.
   */
  acquire(resource: string, options?: LockOptions): Promise<Guard>;
  /**
   * As `tryAcquire` of the library.
   *
   * @throws as `tryAcquire` does.
   */
  tryAcquire(resource: string, options?: LockOptions): Promise<Guard | undefined>;
  /**
   * Holders and waiters. Absent where the backend cannot list them.
   *
   * @throws LockError when they cannot be read.
   */
  inspect?(resource: string): Promise<readonly HolderInfo[]>;
  /** Releases what the client still holds and closes its connections. Never throws. */
  dispose(): Promise<void>;
}

/** What is put to the test. Exported under the name `subject` by a module that child processes can import. */
export interface Subject {
  /** Name of the backend in test titles. */
  readonly name: string;
  /** What the backend can do: it decides which cases apply. */
  readonly capabilities: Capabilities;
  /** The module that exports this very subject; child processes load it. */
  readonly module: URL;
  /**
   * A new, independent program that uses the backend.
   *
   * @throws what the backend throws when it cannot be reached.
   */
  createClient(): Promise<Client>;
  /** A resource that was never used before. Never throws. */
  newResource(): string;
  /** Milliseconds a lease lasts in these tests; holds that are no leases ignore it. Default 3 000. */
  readonly leaseDurationMs?: number;
  /** How long after the death of its holder a lock may stay taken. Required where a crashed hold expires. */
  readonly takeoverMs?: number;
  /** How many times fewer rounds the races run, for backends where one hold takes tenths of a second. Default 1. */
  readonly slowness?: number;
  /**
   * Other names of a resource that was held before: links, mounts, other spellings. Absent where a lock has one
   * name. The names last until the process ends.
   *
   * @throws what the system throws when an alias cannot be made.
   */
  aliasesOf?(resource: string): Promise<readonly string[]>;
  /**
   * A client that reaches the same locks by another spelling of an address: `localhost`, a default that is written
   * out.
   *
   * @throws what the backend throws when it cannot be reached.
   */
  createAliasClient?(): Promise<Client>;
  /**
   * Ends a hold of another client behind its back, as a failure would: expires the lease, cuts the session,
   * removes the record. Required of every backend whose holds can be lost.
   *
   * @throws what the system throws when the hold cannot be ended.
   */
  induceLoss?(resource: string, holderId: string): Promise<void>;
}

/** One law, and the proof that it holds for a subject. Fails by rejecting. */
export interface ConformanceCase {
  /** Stable; a mutant names the case that must fail on it. */
  readonly id: string;
  /** The law, as a sentence. */
  readonly law: string;
  /**
   * Whether the law binds a backend with these capabilities. A case that applies is never skipped. Never throws.
   */
  appliesTo(subject: Subject): boolean;
  /**
   * Runs the case.
   *
   * @throws Error that says which law was broken and how.
   */
  run(subject: Subject): Promise<void>;
}

/** Every exclusive-capable subject. */
export const always = (): boolean => true;

export function hasMode(mode: Mode): (subject: Subject) => boolean {
  return ({ capabilities }) => capabilities.modes.includes(mode);
}

export function isBetweenProcesses({ capabilities }: Subject): boolean {
  return capabilities.reach !== 'process';
}

/** `rounds`, or what a slow subject can do in the same time; at least two. */
export function roundsFor({ slowness = 1 }: Subject, rounds: number): number {
  return Math.max(2, Math.ceil(rounds / slowness));
}
