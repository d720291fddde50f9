import type { Capabilities } from '../../core/backend.js';

export const REGISTER_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'expires',
  fencing: true,
  // Each renewal is a request that is paid for.
  leaseDurationMs: 60_000,
};
