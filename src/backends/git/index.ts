export { createGitBackend } from './backend.js';
export { Arbiter, type ArbiterHost, type ArbiterOptions } from './arbiter.js';
export {
  assertClaimId,
  claimIdFault,
  claimOfRef,
  CLAIM_REF_PREFIX,
  isPathClaim,
  refOfClaim,
} from './claim-id.js';
export type { ClaimStore, Look, PastEvent } from './claim-store.js';
export {
  DEFAULT_NETWORK_TIMEOUT_MS,
  DEFAULT_STALE_AFTER_MS,
  deadlineIn,
  GIT_CAPABILITIES,
  type Deadline,
} from './config.js';
export { lastValue, type GitConfigEntry } from './configuration.js';
export {
  claimedChange,
  continuedChange,
  forcedChange,
  NO_TIP,
  stolenChange,
  type Change,
  type FreeTip,
  type News,
  type Taker,
} from './events.js';
export {
  isInPath,
  isOverlapping,
  NO_PATH_INDEX,
  PATH_INDEX_REF,
  type IndexChange,
  type PathEntry,
  type PathIndex,
} from './path-index.js';
export { MAY_LAND_YET, type Outcome } from './outcome.js';
export { publish } from './publish.js';
export type { Exclusively } from './store.js';
export { findRepository } from './repository.js';
export { pushUpdates } from './push.js';
export { agentFault, isHeldEvent, type ClaimEvent, type ClaimRecord, type ProgressKind } from './record.js';
export type { SignatureState, SigningMode, SigningOptions } from './signing.js';
export {
  absentTip,
  generationOf,
  idOf,
  landedTip,
  type Attempted,
  type BrokenTip,
  type RecordedTip,
  type Tip,
} from './tip.js';
