import type { Renewal } from '../../core/lease.js';
import { systemClock } from '../../platform/clock.js';
import type { Claim } from './claim.js';
import type { RedisConfig } from './config.js';
import { renewalOn } from './grant.js';
import { HeldClaims } from './held.js';

const held = new WeakMap<RedisConfig, HeldClaims>();

/** Runs in the keeper's worker. All holds on one server share one connection there. The configuration holds the password. */
export function openRenewal(claim: Claim, config: RedisConfig): Renewal {
  let claims = held.get(config);
  if (claims === undefined) {
    claims = HeldClaims.over(config, systemClock);
    held.set(config, claims);
  }
  return renewalOn(claims, claim);
}
