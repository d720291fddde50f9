import { LockError } from '../../core/errors.js';
import { withoutCredentials } from '../../core/credentials.js';

/** Words of a refusal; as part of a host's or a path's name they are none. */
const DENIED =
  /(?<![\w./:-])(?:40[13]|permission (?:to \S+ )?denied|access denied|authentication failed|could not read (?:username|password)|declined|protected|not allowed|prohibited|insufficient permission|unable to create temporary object|read-only|unauthori[sz]ed|not authori[sz]ed|service not enabled|deny(?:ing)?)(?![\w/-]|\.\w)/i;
const UNREACHED = /unable to (?:connect|look up)|could not resolve|failed to connect|connect to host/i;
/**
 * Git's last word when it got no list of branches to push to. A server's own words are behind `remote:`, and whatever it
 * says on our standard error, over a path, is followed by git's own end.
 */
const UNSENT =
  /^fatal: (?:Could not read from remote repository|the remote end hung up upon initial contact|unable to access 'https?:|Authentication failed for|could not read (?:Username|Password) for|repository '.*' not found|unable to (?:connect to|look up) |remote error: )/;
const TRANSIENT =
  /cannot lock ref|failed to update ref|failed to lock|reference already exists|fetch first|stale info|non-fast-forward/i;

/** What a refusal was about. Only for pushes that provably changed nothing. */
export function refusalKind(text: string): 'denied' | 'transient' | 'other' {
  if (DENIED.test(text)) return 'denied';
  return TRANSIENT.test(text) ? 'transient' : 'other';
}

/**
 * Whether the remote would not even talk to us. A path that is gone reads "... correct access rights", and a daemon's
 * "access denied or repository not exported": no refusals.
 */
export function isTurnedAway(stderr: string): boolean {
  return DENIED.test(stderr) && !isMissingRemote(stderr) && !UNREACHED.test(stderr);
}

/** Whether a push that ended by itself ended before it sent anything: it has not landed and never will. */
export function isUnsent(stderr: string): boolean {
  const last = stderr.split('\n').findLast((line) => /^(?:fatal|error): /.test(line));
  return last !== undefined && UNSENT.test(last);
}

export function isMissingRemote(stderr: string): boolean {
  return /does not appear to be a git repository|repository not exported|not found/i.test(stderr);
}

/** Signs of a store that a power failure or somebody else has damaged. */
export function isStoreDamaged(stderr: string): boolean {
  return /loose object .* (?:is )?corrupt|object file .* is empty|bad object|bad tree object|missing (?:blob|tree|commit|object)|inflate|shallow file has changed|bad shallow line|unable to read (?:sha1|tree)|did not send all necessary objects|not a git repository: /i.test(
    stderr,
  );
}

/** What git said last, for a message: one line without prefixes and credentials. */
export function reasonIn(stderr: string): string {
  const lines = stderr
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  const index = lines.findLastIndex(
    (line) =>
      /^(?:fatal|error|ssh): /.test(line) &&
      !/^error: failed to push|Could not read from remote|hung up unexpectedly/.test(line),
  );
  const telling = lines[index] ?? lines.at(-1) ?? 'git gave no reason';
  // "unable to connect to HOST:", and the next line says why.
  const line = telling.endsWith(':') ? `${telling} ${lines[index + 1] ?? ''}`.replace(/[: ]+$/, '') : telling;
  const plain = withoutCredentials(line.replace(/^(?:fatal|error|remote): /, ''));
  return plain.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?').slice(0, 300);
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

export function unconfirmedError(resource: string, url: string, cause: string): LockError {
  return new LockError(
    `Could not confirm "${resource}": ${withoutCredentials(url)} could not be asked (${cause}). Run the same command again when it can be reached.`,
    { code: 'HOLDFAST_UNCONFIRMED', resource },
  );
}
