export {
  check,
  checkBranches,
  checkChange,
  type CheckItem,
  type CheckOutcome,
  type PendingChange,
} from './check.js';
export { committedFiles, pushedFiles } from './changed-files.js';
export { claim, type ClaimOptions } from './claim.js';
export type { ClaimItem, ClaimOutcome, ClaimResult } from './claim-result.js';
export { doctor, type DoctorItem } from './doctor.js';
export { history, type HistoryEntry, type HistoryOptions } from './history.js';
export { installHook, type InstallHookResult } from './hook.js';
export { list, sync, type BrokenClaim, type ClaimList, type SyncResult } from './list.js';
export {
  forceRelease,
  release,
  type ForceReleaseOptions,
  type ReleaseItem,
  type ReleaseOptions,
  type ReleaseOutcome,
} from './release.js';
export { note, type NoteItem } from './note.js';
export { pathClaimId } from './paths.js';
export { DEFAULT_QUIET_AFTER_MS, type ClaimClock, type ProgressClock } from './progress.js';
export { prune, type PrunedItem, type PruneOptions } from './prune.js';
export { renew, type ContinuedItem, type RenewItem } from './renew.js';
export { repair, type Finding, type RepairOptions } from './repair.js';
export type { Claim, ClaimsOptions } from './session.js';
export { agentOf, resume } from './resume.js';
export { steal, type StealOptions, type StealResult } from './steal.js';
export { DEFAULT_NETWORK_TIMEOUT_MS, DEFAULT_STALE_AFTER_MS } from '../backends/git/config.js';
export { claimIdFault } from '../backends/git/claim-id.js';
export type { SignatureState, SigningMode, SigningOptions } from '../backends/git/signing.js';
