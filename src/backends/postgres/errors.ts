import { LockError, LockTimeoutError } from '../../core/errors.js';
import { systemClock } from '../../platform/clock.js';
import { asOutage, connectionError, unavailableError } from '../../net/unavailable.js';
import { refusalError, type Refusal } from '../engine/errors.js';

/** SQLSTATEs of a server that does not let us in. https://www.postgresql.org/docs/current/errcodes-appendix.html */
const UNAVAILABLE: Readonly<Record<string, readonly [fact: string, nextStep: string]>> = {
  '28P01': [
    'it refused the user name or password',
    'Correct the credentials in the address, or set PGPASSWORD',
  ],
  '28000': [
    'it does not let this user in from here',
    'Check pg_hba.conf, and whether it wants TLS (sslmode=require) or a certificate (sslcert, sslkey)',
  ],
  '3D000': ['there is no such database', 'Correct the name behind the / in the address'],
  '53300': ['it has no connection left', 'Raise max_connections, or hold fewer locks at once'],
  '57P03': ['it is starting or stopping', 'Try again in a moment'],
};

/** No connection left, starting or stopping, and the end of a connection. */
const PASSING = /^(53300|57P|08)/;

export function sqlState(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && !/^E[A-Z]+$/.test(code) ? code : undefined;
}

/** The server answered, so its session may still be good; anything else was an end of the connection. */
export function isAnswer(error: unknown): boolean {
  const state = sqlState(error);
  // Classes 08 and 57P: the connection itself.
  return state !== undefined && !/^(08|57P)/.test(state);
}

/** What a failed request means to the caller of a lock. The server's texts may quote what was sent: they stay out. */
export function postgresError(error: unknown, resource: string, server: string): LockError {
  if (error instanceof LockError) return error;
  const state = sqlState(error);
  if (state === '28000' && (error as { routine?: unknown }).routine === 'InitializeSessionUserId') {
    const next = 'Correct the user in the address, or create the role';
    return unavailableError(resource, 'it has no role of this name, or one that may not log in', next, error);
  }
  const unavailable = state === undefined ? undefined : UNAVAILABLE[state];
  if (unavailable !== undefined) {
    const failure = unavailableError(resource, unavailable[0], unavailable[1], error);
    return PASSING.test(state as string) ? asOutage(failure) : failure;
  }
  if (state === '40P01') {
    return new LockTimeoutError(
      `Could not lock "${resource}": the server ended a deadlock by refusing this request. Take several locks with lockAll, which has one order.`,
      { code: 'HOLDFAST_CONTENDED', resource, cause: error },
    );
  }
  const refusal = state === undefined ? undefined : refusals()[state];
  if (refusal !== undefined) return refusalError(resource, refusal, error);
  const failure = connectionError(error, resource, server);
  if (failure !== undefined) return failure;
  const message = error instanceof Error ? error.message : '';
  if (/does not support SSL/.test(message)) {
    return unavailableError(
      resource,
      `${server} speaks no TLS`,
      'Leave sslmode out, or turn ssl on at the server',
      error,
    );
  }
  if (/password must be a/.test(message)) {
    return unavailableError(
      resource,
      `${server} wants a password`,
      'Set PGPASSWORD, or use ~/.pgpass',
      error,
    );
  }
  if (/timeout expired|connection timeout/i.test(message)) {
    const next = 'Check that it runs and is reachable';
    return asOutage(unavailableError(resource, `${server} did not answer in time`, next, error));
  }
  const what = state === undefined ? `the connection to ${server} broke` : `it refused (SQLSTATE ${state})`;
  const failed = unavailableError(resource, what, 'Check its log, and try again', error);
  return state === undefined || PASSING.test(state) ? asOutage(failed) : failed;
}

/** Made when needed: the advice has a number of today. */
function refusals(): Readonly<Record<string, Refusal>> {
  const create = `CREATE SEQUENCE IF NOT EXISTS public.holdfast_token START WITH ${systemClock.wallNow().toFixed()}000`;
  return {
    '42501': [
      'HOLDFAST_PERMISSION',
      'this user may not use the sequence public.holdfast_token, or end a session',
      `As its owner: ${create}; GRANT USAGE ON SEQUENCE public.holdfast_token TO the user`,
    ],
    '3F000': [
      'HOLDFAST_CONFIG_MISMATCH',
      'the database has no schema public, where the sequence of tokens is',
      'Run CREATE SCHEMA public, or use another database',
    ],
    '25006': [
      'HOLDFAST_CONFIG_MISMATCH',
      'the database takes no writes',
      'Set default_transaction_read_only off for this user, or use the address of the primary',
    ],
    '53200': ['HOLDFAST_IO', 'the server has no room for another lock', 'Raise max_locks_per_transaction'],
    '53100': ['HOLDFAST_IO', 'the disk of the server is full', 'Free some of it'],
  };
}

export function poolerError(resource: string): LockError {
  return refusalError(resource, [
    'HOLDFAST_UNSUPPORTED',
    'between here and the server a pooler hands sessions around, and a lock belongs to its session',
    'Connect to the server itself, or put ?pooler=session into the address if the pooler keeps a session per client',
  ]);
}

export function standbyError(resource: string): LockError {
  const fact = 'the server is a standby, whose locks no other server sees';
  return refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', fact, 'Use the address of the primary']);
}

/** @param cure the statement that makes the sequence what it must be. */
export function sequenceError(resource: string, cure: string): LockError {
  const fact = 'the sequence public.holdfast_token gives numbers that are too low, or not in order';
  return refusalError(resource, ['HOLDFAST_CONFIG_MISMATCH', fact, `As its owner: ${cure}`]);
}

export function exhaustedPoolError(resource: string): LockError {
  const fact = 'the pool gave no client in time: all of them are in use, or it cannot connect';
  const next = 'Raise its max: locks take one client, and each wait takes one more';
  return asOutage(unavailableError(resource, fact, next));
}
