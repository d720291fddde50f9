import type { Mode } from './backend.js';

/** One hold or wait as other processes of this machine are shown it. It explains; it decides nothing. */
export interface Announced {
  readonly state: 'holder' | 'waiter';
  /** One name for the lock in every process of this machine: an absolute path, or an address without credentials. */
  readonly lock: string;
  readonly backend: string;
  readonly mode: Mode;
  /** Wall clock. */
  readonly sinceAtMs: number;
  readonly holderId?: string | undefined;
  readonly token?: bigint | undefined;
  readonly reason?: string | undefined;
  readonly lease?: AnnouncedLease | undefined;
}

export interface AnnouncedLease {
  /** {@link LeaseClock} time. */
  readonly deadline: number;
  readonly durationMs: number;
  /** Writes each later deadline to the slot of the file; called in the thread that renews. */
  readonly showAt: (descriptor: number, slot: number) => void;
}

export interface Announcement {
  end(): void;
}

/** Announces what has no other source: the kernel lists the flocks. Never throws. */
export interface Announcer {
  announce(what: Announced): Announcement;
}

/** A wait that is shorter than this is not announced. */
export const ANNOUNCED_WAIT_MS = 200;
