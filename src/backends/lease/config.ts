import type { Capabilities } from '../../core/backend.js';

export const LEASE_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'expires',
  ticks: true,
  fencing: true,
};

/** Listings without a state file before the directory counts as not ours: on CIFS one now and then comes back empty. */
export const ABSENT_LISTINGS = 3;
export const ABSENT_PAUSE_MS = 100;

/** Remnants of ended attempts that one claim removes: its lease is running. The next claim goes on. */
export const SWEPT_AT_ONCE = 32;

export interface LeaseConfig {
  /** Make missing parent directories (0o700) and keep others out. Only for locks that we place ourselves. */
  readonly isPrivate: boolean;
}

export const NAMED_DIRECTORY: LeaseConfig = { isPrivate: false };
export const PRIVATE_DIRECTORY: LeaseConfig = { isPrivate: true };
