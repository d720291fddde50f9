import { isLockError, LockError, type ErrorCode } from '../../core/errors.js';

/** What every message about one lock of a server names: the lock, and the server as `host:port`. */
export interface Named {
  /** The address without credentials. */
  readonly shown: string;
  readonly server: string;
}

export type Refusal = readonly [
  code: Extract<
    ErrorCode,
    | 'HOLDFAST_CONFIG_MISMATCH'
    | 'HOLDFAST_IO'
    | 'HOLDFAST_PERMISSION'
    | 'HOLDFAST_PROTOCOL'
    | 'HOLDFAST_UNSUPPORTED'
  >,
  fact: string,
  nextStep: string,
];

/** The server answered, and the answer is no. */
export function refusalError(resource: string, [code, fact, nextStep]: Refusal, cause?: unknown): LockError {
  return new LockError(`Could not lock "${resource}": ${fact}. ${nextStep}.`, { code, resource, cause });
}

/** A claim was sent and not answered. Its end is settled in the background. */
export function unconfirmedError({ shown, server }: Named, holderId: string, cause: unknown): LockError {
  return new LockError(
    `Could not find out whether "${shown}" was locked: ${server} did not answer. Holder ${holderId} may stand until its lease ends. Try again after that.`,
    { code: 'HOLDFAST_UNCONFIRMED', resource: shown, cause },
  );
}

/** @param free when the lock is free at the latest, as a clause. */
export function unreleasedError({ shown, server }: Named, free: string, cause: unknown): LockError {
  const isRefused = isLockError(cause) && cause.code !== 'HOLDFAST_BACKEND_UNAVAILABLE';
  const fact = isRefused ? /": (.*)$/s.exec(cause.message)?.[1] : undefined;
  return new LockError(
    `Could not release "${shown}": ${fact ?? `${server} did not confirm it.`} It is retried in the background. The lock is free ${free}.`,
    { code: 'HOLDFAST_NETWORK', resource: shown, cause },
  );
}

/** @param theirs the limit that the present holders agree on. */
export function permitsError(resource: string, wanted: number, theirs: number | undefined): LockError {
  const limit = theirs === undefined ? 'another limit' : `a limit of ${theirs}`;
  const fact = `its permits are held with ${limit}, and this call has a limit of ${wanted}`;
  return refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', fact, 'Use the same number everywhere']);
}

/** A record of another format, or of another program: it is in the way, and is never judged or overwritten. */
export function formatError(resource: string, format: string | undefined): LockError {
  const fact =
    format === undefined
      ? 'its key holds something that Holdfast did not write'
      : `its record has format ${format}, which this version of Holdfast does not read`;
  const next =
    format === undefined
      ? 'Use another name, or delete the key if nothing uses it'
      : 'Use the same version of Holdfast everywhere';
  return refusalError(resource, ['HOLDFAST_PROTOCOL', fact, next]);
}
