import type { Capabilities } from '../../core/backend.js';

export const GIT_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'stays',
  fencing: true,
};

/** Time for the network, in all, of one command about claims. */
export const DEFAULT_NETWORK_TIMEOUT_MS = 30_000;
/** How long a claim must have looked the same to somebody before that one may steal it. */
export const DEFAULT_STALE_AFTER_MS = 60 * 60_000;
