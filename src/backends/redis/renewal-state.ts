import type { Claim } from './claim.js';
import type { RedisConfig } from './config.js';

/** What a worker needs, as text: a flat message between threads costs a fraction of a nested one. Holds the password. */
export type RedisRenewalState = readonly [config: string, claim: string];

const texts = new WeakMap<RedisConfig, string>();

export function renewalState(config: RedisConfig, claim: Claim): RedisRenewalState {
  let text = texts.get(config);
  if (text === undefined) {
    text = JSON.stringify(config);
    texts.set(config, text);
  }
  return [text, JSON.stringify(claim)];
}
