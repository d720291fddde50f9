import { withoutCredentials } from '../../core/credentials.js';
import { LockError, LockTimeoutError } from '../../core/errors.js';
import { isRefusal, NO_REASON, type GitFailure } from '../../process/git/failure.js';
import type { ClaimEvent, ClaimRecord } from './record.js';

/**
 * Git's last line when it got no list of branches to push to. A server's own words are behind `remote:`, and whatever it
 * prints on our standard error, over a path, is followed by git's own end.
 */
const UNSENT =
  /^fatal: (?:Could not read from remote repository|[Tt]he remote end hung up upon initial contact|unable to access 'https?:|Authentication failed for|could not read (?:Username|Password) for|repository '.*' not found|unable to (?:connect to|look up) |remote error: |transport '.*' not allowed|underlying transport does not support |[Uu]nable to find remote helper|mismatched algorithms|the receiving end does not support this repository's hash algorithm)/;
const TRANSIENT =
  /cannot lock ref|failed to update ref|failed to lock|reference already exists|fetch first|stale info|non-fast-forward/i;

/** What a refusal was about. Only for pushes that provably changed nothing. */
export function refusalKind(text: string): 'denied' | 'transient' | 'other' {
  if (isRefusal(text)) return 'denied';
  return TRANSIENT.test(text) ? 'transient' : 'other';
}

/** What a refusal says, and what stands beside it on standard error, if anything does. */
export function refusalFact(summary: string, { kind, reason }: GitFailure): string {
  return kind === 'other' && reason === NO_REASON ? summary : `${summary} ${reason}`.trim();
}

/** Whether a refusal proves that the branch is not as it was expected: another event was faster. */
export function isTaken(reason: string): boolean {
  return /stale info|already exists/i.test(reason);
}

/** Whether the server's git ended because a hook of it refused to let any branch be changed. */
export function isAbortedByHook(stderr: string): boolean {
  return /^fatal: ref updates aborted by hook$/m.test(stderr);
}

/** Whether a push that ended by itself ended before it sent anything: it has not landed and never will. */
export function isUnsent(stderr: string): boolean {
  const last = stderr.split('\n').findLast((line) => /^(?:fatal|error): /.test(line));
  return last !== undefined && UNSENT.test(last);
}

/** Signs of a store that a power failure or another program has damaged. */
export function isStoreDamaged(stderr: string): boolean {
  return /loose object .* (?:is )?corrupt|object file .* is empty|bad object|bad tree object|missing (?:blob|tree|commit|object)|inflate|shallow file has changed|bad shallow line|unable to read (?:sha1|tree)|did not send all necessary objects|not a git repository: /i.test(
    stderr,
  );
}

/** The branch that stands where a claim's branch would have to have its folder; undefined when that is not why it failed. */
export function branchInTheWay(text: string): string | undefined {
  return /'refs\/heads\/(holdfast(?:\/claims)?)' exists; cannot create/.exec(text)?.[1];
}

/** Whether a repository has the other kind of ids than the store. */
export function isOtherFormat(stderr: string): boolean {
  return /mismatched algorithms|does not support this repository's hash algorithm/i.test(stderr);
}

export function permissionError(resource: string, url: string, fact: string): LockError {
  return new LockError(
    `Could not claim "${resource}": ${withoutCredentials(url)} refuses it (${fact}). Ask for the right to push to holdfast/claims/* there.`,
    { code: 'HOLDFAST_PERMISSION', resource },
  );
}

export function refusedError(resource: string, url: string, fact: string): LockError {
  return new LockError(
    `Could not claim "${resource}": ${withoutCredentials(url)} could not store it (${fact}). Look after the remote, then try again.`,
    { code: 'HOLDFAST_IO', resource },
  );
}

export function occupiedError(resource: string, url: string, branch: string): LockError {
  return new LockError(
    `Could not claim "${resource}": ${withoutCredentials(url)} has a branch "${branch}", and git cannot have holdfast/claims/* beside it. Rename that branch there.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource },
  );
}

/** A push of this clone may stand, or may land yet. */
export function unconfirmedError(resource: string, url: string, cause: string): LockError {
  return new LockError(
    `Could not confirm "${resource}": ${withoutCredentials(url)} could not be asked (${cause}). Run the same command again when it can be reached.`,
    { code: 'HOLDFAST_UNCONFIRMED', resource },
  );
}

export function atomicError(resource: string, url: string): LockError {
  return new LockError(
    `Could not claim "${resource}" together: the server of ${withoutCredentials(url)} has no atomic pushes. Claim them one by one.`,
    { code: 'HOLDFAST_UNSUPPORTED', resource },
  );
}

/** Another event is there, and whose it is could not be learned. */
export function takenError(resource: string, url: string, cause: string): LockError {
  return new LockTimeoutError(
    `Could not claim "${resource}": another agent was faster, and ${withoutCredentials(url)} could not be asked for its name (${cause}). Look at it later: holdfast claims check ${resource}.`,
    { code: 'HOLDFAST_CONTENDED', resource },
  );
}

/** Nothing was sent, so nothing can land. */
export function unavailableError(
  task: ClaimRecord['event'] | 'read',
  resource: string,
  url: string,
  cause: string,
): LockError {
  const [verb, consequence] = UNSENT_TASK[task as ClaimEvent] ?? UNSENT_TASK.renewed;
  return new LockError(
    `Could not ${verb} "${resource}": ${withoutCredentials(url)} could not be reached (${cause}). ${consequence}; run the same command again when it can.`,
    { code: 'HOLDFAST_BACKEND_UNAVAILABLE', resource },
  );
}

const UNSENT_TASK: Readonly<Record<ClaimEvent | 'read', readonly [string, string]>> = {
  read: ['read', 'Nothing is known of it'],
  claimed: ['claim', 'Nothing was sent, so it is not claimed'],
  renewed: ['renew', 'Nothing was sent, so it is not renewed'],
  noted: ['note', 'Nothing was sent, so the note is not published'],
  stolen: ['steal', 'Nothing was sent, so it is not claimed'],
  released: ['release', 'Nothing was sent, so it stays claimed'],
  forced: ['end', 'Nothing was sent, so it stays as it is'],
};

/** What is pushed to the one URL does not appear at the other: two agents would both get the claim. */
export function apartError(resource: string, fetchUrl: string, pushUrl: string): LockError {
  const [reading, deciding] = [withoutCredentials(fetchUrl), withoutCredentials(pushUrl)];
  const places =
    reading === deciding
      ? `what is pushed to ${deciding} cannot be read there`
      : `git pushes to ${deciding} and fetches from ${reading}, which has not got what was pushed`;
  return new LockError(
    `Could not claim "${resource}": ${places}. Name the repository that decides: --remote URL, or git config holdfast.remote URL.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH', resource },
  );
}
