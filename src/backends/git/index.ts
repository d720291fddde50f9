export { createGitBackend } from './backend.js';
export {
  openArbiter,
  type Arbiter,
  type ArbiterHost,
  type ArbiterOptions,
  type Exclusively,
} from './arbiter.js';
export { assertClaimId, claimIdFault, claimOfRef, CLAIM_REF_PREFIX, refOfClaim } from './claim-id.js';
export { idOf, type ClaimStore, type Look } from './claim-store.js';
export { DEFAULT_NETWORK_TIMEOUT_MS, DEFAULT_STALE_AFTER_MS, GIT_CAPABILITIES } from './config.js';
export { deadlineIn, type Deadline } from './deadline.js';
export { gitEnvironment } from './environment.js';
export {
  claimedChange,
  continuedChange,
  forcedChange,
  NO_TIP,
  stolenChange,
  type FreeTip,
  type Taker,
} from './events.js';
export { unconfirmedError } from './failures.js';
export { lastValue, type GitConfigEntry } from './git-config.js';
export type { Attempted } from './journal.js';
export { MAY_LAND_YET, publish, type Change, type Outcome } from './publish.js';
export { agentFault, isHeldEvent, type ClaimEvent, type ClaimRecord } from './record.js';
export type { SignatureState, SigningMode, SigningOptions } from './signing.js';
export type { Timeline } from './sightings.js';
export { generationOf, landedTip, type BrokenTip, type RecordedTip, type Tip } from './tip.js';
