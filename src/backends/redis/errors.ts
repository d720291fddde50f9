import { LockError } from '../../core/errors.js';
import { asOutage, connectionError, unavailableError } from '../../net/unavailable.js';
import { refusalError, type Refusal } from '../engine/errors.js';

type Fact = readonly [fact: string, nextStep: string];

/** By the first word of an error reply. */
const UNAVAILABLE: Readonly<Record<string, Fact>> = {
  WRONGPASS: [
    'it refused the user name or password',
    'Correct the credentials in the address or REDISCLI_AUTH',
  ],
  NOAUTH: ['it wants a password', 'Put one into the address, or set REDISCLI_AUTH'],
  LOADING: ['it is still loading its data', 'Try again in a moment'],
  BUSY: ['it is busy with a script', 'Try again, or look for the script with SLOWLOG'],
  MASTERDOWN: ['it is a replica without its primary', 'Use the address of the primary'],
  DENIED: [
    'it is in protected mode and admits its own host only',
    'Set a password on the server, or protected-mode no',
  ],
  NOPROTO: ['it does not speak RESP3', 'Use Redis 6.2 or newer'],
};

/** Of these answers the ones that may be another in a moment. */
const PASSING = /^(LOADING|BUSY|MASTERDOWN) |max number of clients/;

/** What is behind the plain word ERR. */
const PLAIN_ERRORS: readonly (readonly [RegExp, Fact])[] = [
  [
    /max number of clients/,
    ['it has no connection left (maxclients)', 'Raise maxclients, or end connections that nothing uses'],
  ],
  [
    /DB index is out of range/,
    ['it has no database of this number', 'Correct the number behind the / in the address'],
  ],
  [/without any password/, ['it has no password set, and was given one', 'Leave it out']],
  [/unknown command|syntax error/, ['it did not understand a request', 'Use Redis 6.2 or newer']],
];

const REFUSALS: Readonly<Record<string, Refusal>> = {
  READONLY: ['HOLDFAST_CONFIG_MISMATCH', 'it is a read-only replica', 'Use the address of the primary'],
  WRONGTYPE: [
    'HOLDFAST_CONFIG_MISMATCH',
    'another program uses its key for something else',
    'Use another name',
  ],
  OOM: ['HOLDFAST_IO', 'the server is out of memory', 'Free some, or raise maxmemory'],
  MISCONF: [
    'HOLDFAST_IO',
    'the server cannot write its data to disk and takes no writes',
    'Free space on its disk, and see its log',
  ],
  NOREPLICAS: [
    'HOLDFAST_IO',
    'the server has fewer replicas than min-replicas-to-write',
    'Start its replicas, or lower the number',
  ],
};

const NOPERM: Refusal = [
  'HOLDFAST_PERMISSION',
  'the server does not allow this user to do that',
  'Allow the user EVALSHA, EVAL, INFO, the commands in the scripts, and its keys',
];

const CLUSTER = new Set(['MOVED', 'ASK', 'CLUSTERDOWN', 'CROSSSLOT', 'TRYAGAIN']);

/** What a failed request means to the caller of a lock. Texts of the server that may quote credentials stay out. */
export function redisError(error: unknown, resource: string, server: string): LockError {
  if (error instanceof LockError) return error;
  const message = error instanceof Error ? error.message : '';
  const failure = connectionError(error, resource, server) ?? answerError(error, resource);
  if (failure !== undefined) return PASSING.test(message) ? asOutage(failure) : failure;
  const word = firstWord(message);
  // Of a command within a script the word comes later.
  if (message.includes('NOPERM')) return refusalError(resource, NOPERM, error);
  const refusal = REFUSALS[word];
  if (refusal !== undefined) return refusalError(resource, refusal, error);
  if (CLUSTER.has(word)) return clusterError(resource, error);
  const what =
    word === '' ? `the connection to ${server} broke` : `${server} refused a request (error ${word})`;
  const unavailable = unavailableError(resource, what, 'Check its log, and try again', error);
  return word === '' ? asOutage(unavailable) : unavailable;
}

function answerError(error: unknown, resource: string): LockError | undefined {
  const fact = answerFact(error);
  return fact && unavailableError(resource, fact[0], fact[1], error);
}

function answerFact(error: unknown): Fact | undefined {
  const message = error instanceof Error ? error.message : '';
  // Sent by versions before 6.2 with other words in front.
  const plain = PLAIN_ERRORS.find(([pattern]) => pattern.test(message));
  if (plain !== undefined && !message.includes('NOPERM')) return plain[1];
  return message.includes('NOPERM') ? undefined : UNAVAILABLE[firstWord(message)];
}

function firstWord(message: string): string {
  return /^[A-Z]{2,}(?=\s|$)/.exec(message)?.[0] ?? '';
}

/** Of a caller's own client: nothing was sent. */
export function closedClientError(error: unknown, display: string): LockError | undefined {
  if (!(error instanceof Error) || error.constructor.name !== 'ClientClosedError') return undefined;
  const next = 'Call its connect() first, or leave the client out';
  return unavailableError(display, 'the client that was passed is not connected', next, error);
}

/** The server answered with an error: it has changed nothing. */
export function isErrorReply(error: unknown): boolean {
  return error instanceof Error && firstWord(error.message) !== '';
}

/**
 * A lock needs one server that decides and that never forgets a key by itself.
 *
 * @param info the server's answer to INFO.
 * @throws LockError HOLDFAST_CONFIG_MISMATCH, HOLDFAST_UNSUPPORTED.
 */
export function assertFit(info: string, resource: string): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
  if (policy !== undefined && policy !== 'noeviction') {
    const fact = `the server may evict locks under memory pressure (maxmemory-policy ${policy})`;
    const next = 'Set maxmemory-policy noeviction on the server';
    throw refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', fact, next]);
  }
  if (/^cluster_enabled:1/m.test(info)) throw clusterError(resource);
  // Also one that takes writes: its locks are overwritten by those of the primary.
  if (/^role:slave/m.test(info)) {
    const next = 'Use the address of the primary';
    throw refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', 'the server is a replica', next]);
  }
  if (/^redis_mode:sentinel/m.test(info)) {
    const next = 'Use the address of the primary that it watches; addresses of Sentinels are not supported';
    throw refusalError(resource, [
      'HOLDFAST_UNSUPPORTED',
      'the server is a Sentinel and keeps no keys',
      next,
    ]);
  }
}

function clusterError(resource: string, cause?: unknown): LockError {
  const next = 'Use a single server; a lock needs one that decides';
  return refusalError(resource, ['HOLDFAST_UNSUPPORTED', 'the server is part of a cluster', next], cause);
}
