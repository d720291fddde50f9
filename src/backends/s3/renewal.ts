import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../platform/clock.js';
import { baseOf, renewalOf, type RenewalState } from '../register/own-hold.js';
import { S3Client } from './client.js';
import type { S3Config } from './config.js';
import { usualCredentials } from './credentials.js';
import { S3Register } from './register.js';

const registers = new WeakMap<S3Config, S3Register>();

/** Runs in the keeper's worker, which finds its credentials by itself. */
export function openRenewal(state: unknown, config: unknown): Renewal {
  const held = state as RenewalState;
  const shared = config as S3Config;
  let register = registers.get(shared);
  if (register === undefined) {
    register = new S3Register(new S3Client(shared, usualCredentials(shared.profile), systemClock));
    registers.set(shared, register);
  }
  return renewalOf({ register, name: held.name, clock: systemClock }, baseOf(held));
}
