import type { Capabilities } from '../../core/backend.js';

export const REGISTER_CAPABILITIES: Capabilities = {
  modes: ['exclusive'],
  reach: 'network',
  orphan: 'expires',
  fencing: true,
  // Each renewal is a request that is paid for.
  leaseDurationMs: 60_000,
};

/**
 * How long a state must be seen unchanged before its holder counts as gone. Its belief ended `leaseMs` after a moment
 * before the state appeared, on a clock up to 10 % slow, watched by a clock up to 10 % fast: 1.1 / 0.9 is 1.23.
 */
export function silenceMs(leaseMs: number): number {
  return 1.25 * leaseMs + 1_000;
}
