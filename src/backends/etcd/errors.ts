import { LockError } from '../../core/errors.js';
import { asOutage, connectionError, unavailableError } from '../../net/unavailable.js';
import { refusalError, type Refusal } from '../engine/errors.js';

/** Status codes of gRPC. https://grpc.io/docs/guides/status-codes */
export const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** The cluster answered, with an error. */
export class EtcdAnswer extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** No leader, a change of leader, a proposal that timed out: it may or may not have been carried out. */
  get isTransient(): boolean {
    if (this.status === GRPC.resourceExhausted) return this.message.includes('too many requests');
    return this.status === GRPC.unavailable || this.status === GRPC.deadlineExceeded;
  }
  /** Tokens run out after minutes, and any change of users or roles makes those of JWT void. */
  get isTokenVoid(): boolean {
    if (this.status === GRPC.unauthenticated) return true;
    return this.status === GRPC.invalidArgument && this.message.includes('revision of auth store is old');
  }
  /** The alarm NOSPACE: nothing is put, not even by a branch that would not run. Deletions go on. */
  get isFull(): boolean {
    return this.status === GRPC.resourceExhausted && !this.isTransient;
  }
  get isLeaseGone(): boolean {
    return this.status === GRPC.notFound && this.message.includes('lease');
  }
}

/** A request was given up. `isUncertain`: a member may have it, and carry it out even now. */
export class EtcdFailure extends Error {
  readonly isUncertain: boolean;

  constructor(cause: unknown, isUncertain: boolean) {
    super('the request failed', { cause });
    this.isUncertain = isUncertain;
  }
}

/** What a failed request means to the caller of a lock. The server's texts may quote what was sent: they stay out. */
export function etcdError(error: unknown, resource: string, server: string): LockError {
  if (error instanceof LockError) return error;
  const cause = error instanceof EtcdFailure ? error.cause : error;
  const failure = connectionError(cause, resource, server);
  if (failure !== undefined) return failure;
  if (!(cause instanceof EtcdAnswer)) {
    const next = 'Check its log; an etcd:// address wants the client port, and etcds:// one with TLS';
    return asOutage(unavailableError(resource, `${server} did not answer as etcd does`, next, cause));
  }
  if (/user name is empty|authentication is not enabled|invalid user ID or password/.test(cause.message)) {
    return loginError(cause, resource);
  }
  const refusal = REFUSALS.get(cause.status);
  if (refusal !== undefined) return refusalError(resource, refusal, cause);
  if (cause.status === GRPC.unauthenticated) return loginError(cause, resource);
  const next = 'Check that more than half of its members run';
  if (cause.isTransient)
    return asOutage(unavailableError(resource, 'the cluster has no leader', next, cause));
  return unavailableError(resource, `the cluster refused (gRPC status ${cause.status})`, next, cause);
}

const REFUSALS: ReadonlyMap<number, Refusal> = new Map([
  [
    GRPC.permissionDenied,
    [
      'HOLDFAST_PERMISSION',
      'this user may not use the keys under holdfast/',
      'Run etcdctl role grant-permission ROLE readwrite --prefix=true holdfast/',
    ],
  ],
  [
    GRPC.resourceExhausted,
    [
      'HOLDFAST_IO',
      'the database of the cluster is full',
      'Compact and defragment it, then run etcdctl alarm disarm',
    ],
  ],
]);

function loginError(cause: EtcdAnswer, resource: string): LockError {
  if (cause.message.includes('authentication is not enabled')) {
    return unavailableError(
      resource,
      'it knows no users, and was given one',
      'Leave user and password out',
      cause,
    );
  }
  if (cause.message.includes('user name is empty')) {
    return unavailableError(
      resource,
      'it wants a user and a password',
      'Put them into the address, or set ETCDCTL_USER',
      cause,
    );
  }
  return unavailableError(
    resource,
    'it refused the user or the password',
    'Correct them, or set ETCDCTL_USER',
    cause,
  );
}
