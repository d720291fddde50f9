import { LockError } from '../../core/errors.js';
import { connectionFact, unavailableError } from '../../net/unavailable.js';

/** Fact and next step by the first word of an error reply. */
const UNAVAILABLE: Readonly<Record<string, readonly [string, string]>> = {
  WRONGPASS: [
    'it refused the user name or password',
    'Correct the credentials in the address or REDISCLI_AUTH',
  ],
  NOAUTH: ['it wants a password', 'Put one into the address, or set REDISCLI_AUTH'],
  LOADING: ['it is still loading its data', 'Try again in a moment'],
  BUSY: ['it is busy with a script', 'Try again, or look for the script with SLOWLOG'],
  MASTERDOWN: ['it is a replica without its primary', 'Use the address of the primary'],
  ERR: ['it did not understand a request', 'Use Redis 6.2 or newer'],
};

const MISMATCH: Readonly<Record<string, readonly [string, string]>> = {
  READONLY: ['it is a read-only replica', 'Use the address of the primary'],
  WRONGTYPE: ['another program uses its key for something else', 'Use another name'],
};

const CLUSTER = new Set(['MOVED', 'ASK', 'CLUSTERDOWN', 'CROSSSLOT', 'TRYAGAIN']);

/** What a failed request means to the caller of a lock. Texts of the server that may quote credentials stay out. */
export function redisError(error: unknown, resource: string, server: string): LockError {
  if (error instanceof LockError) return error;
  const fact = connectionFact(error, server);
  if (fact !== undefined) return unavailableError(resource, fact[0], fact[1], error);
  const message = error instanceof Error ? error.message : '';
  const word = /^[A-Z]+(?=\s|$)/.exec(message)?.[0] ?? '';
  const unavailable = UNAVAILABLE[word];
  if (unavailable !== undefined && !/NOPERM|without any password/.test(message)) {
    return unavailableError(resource, unavailable[0], unavailable[1], error);
  }
  if (/without any password/.test(message)) {
    return unavailableError(resource, 'it has no password set, and was given one', 'Leave it out', error);
  }
  const mismatch = MISMATCH[word];
  if (mismatch !== undefined)
    return refusal('HOLDFAST_CONFIG_MISMATCH', mismatch[0], mismatch[1], resource, error);
  if (word === 'NOPERM' || /NOPERM/.test(message)) {
    const next = 'Allow the user EVALSHA, EVAL, the commands in the scripts, and its keys';
    return refusal(
      'HOLDFAST_PERMISSION',
      'the server does not allow this user to do that',
      next,
      resource,
      error,
    );
  }
  if (word === 'OOM') {
    return refusal(
      'HOLDFAST_IO',
      'the server is out of memory',
      'Free some, or raise maxmemory',
      resource,
      error,
    );
  }
  if (CLUSTER.has(word)) return clusterError(resource, error);
  return unavailableError(
    resource,
    `the connection to ${server} broke`,
    'Check its log, and try again',
    error,
  );
}

export function clusterError(resource: string, cause?: unknown): LockError {
  const next = 'Use a single server; a lock needs one that decides';
  return refusal('HOLDFAST_UNSUPPORTED', 'the server is part of a cluster', next, resource, cause);
}

export function evictionError(resource: string, policy: string): LockError {
  const next = 'Set maxmemory-policy noeviction on the server';
  const fact = `the server may evict locks under memory pressure (maxmemory-policy ${policy})`;
  return refusal('HOLDFAST_CONFIG_MISMATCH', fact, next, resource);
}

export function permitsError(resource: string, wanted: number, theirs: string): LockError {
  const fact = `others hold permits of ${theirs === '' ? 'another kind' : `${theirs} at most`}, and ${wanted} were asked for`;
  return refusal('HOLDFAST_CONFIG_MISMATCH', fact, 'Use the same number everywhere', resource);
}

function refusal(
  code: 'HOLDFAST_CONFIG_MISMATCH' | 'HOLDFAST_PERMISSION' | 'HOLDFAST_IO' | 'HOLDFAST_UNSUPPORTED',
  fact: string,
  nextStep: string,
  resource: string,
  cause?: unknown,
): LockError {
  return new LockError(`Could not lock "${resource}": ${fact}. ${nextStep}.`, { code, resource, cause });
}
