import { LockError } from '../../core/errors.js';
import { withoutCredentials } from './remote-url.js';

const DENIED =
  /\b40[13]\b|permission (?:to \S+ )?denied|access denied|authentication failed|could not read (?:username|password)|hook declined|protected|not allowed|prohibited|insufficient permission|unable to create temporary object|read-only|unauthori[sz]ed|not authori[sz]ed|service not enabled|deny/i;
const TRANSIENT =
  /cannot lock ref|failed to update ref|failed to lock|reference already exists|fetch first|stale info|non-fast-forward/i;

/** What a refusal was about. Only for pushes that provably changed nothing. */
export function refusalKind(text: string): 'denied' | 'transient' | 'other' {
  if (DENIED.test(text)) return 'denied';
  return TRANSIENT.test(text) ? 'transient' : 'other';
}

/**
 * Whether the remote would not even talk to us: of a push, nothing was sent. A path that is gone reads "... correct
 * access rights", and a daemon's "access denied or repository not exported": no refusals.
 */
export function isTurnedAway(stderr: string): boolean {
  return DENIED.test(stderr) && !isMissingRemote(stderr) && !/RPC failed/.test(stderr);
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
      /^(?:fatal|error|ssh): /.test(line) && !/^error: failed to push|Could not read from remote/.test(line),
  );
  const telling = lines[index] ?? lines.at(-1) ?? 'git gave no reason';
  // "unable to connect to HOST:", and the next line says why.
  const line = telling.endsWith(':') ? `${telling} ${lines[index + 1] ?? ''}`.replace(/[: ]+$/, '') : telling;
  const plain = withoutCredentials(line.replace(/^(?:fatal|error|remote): /, ''));
  // oxlint-disable-next-line no-control-regex -- what a server sends must not move the terminal's cursor
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
