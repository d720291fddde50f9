import { LockError } from '../../core/errors.js';
import { connectionFact, unavailableError } from '../../net/unavailable.js';

/** gRPC status codes as the gateway passes them on. */
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
    return this.status === GRPC.unavailable || this.status === GRPC.deadlineExceeded;
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
  const fact = connectionFact(cause, server);
  if (fact !== undefined) return unavailableError(resource, fact[0], fact[1], cause);
  if (!(cause instanceof EtcdAnswer)) {
    const next = 'Check its log; an etcd:// address wants the client port, and etcds:// one with TLS';
    return unavailableError(resource, `${server} did not answer as etcd does`, next, cause);
  }
  if (/user name is empty|authentication is not enabled|invalid user ID or password/.test(cause.message)) {
    return loginError(cause, resource);
  }
  switch (cause.status) {
    case GRPC.unauthenticated:
      return loginError(cause, resource);
    case GRPC.permissionDenied:
      return refusal(
        'HOLDFAST_PERMISSION',
        'this user may not use the keys under holdfast/',
        'Run etcdctl role grant-permission ROLE readwrite --prefix=true holdfast/',
        resource,
        cause,
      );
    case GRPC.resourceExhausted:
      return refusal(
        'HOLDFAST_IO',
        'the database of the cluster is full',
        'Compact and defragment it',
        resource,
        cause,
      );
    default:
      if (cause.message === 'connection closed') return brokenGatewayError(cause, resource, server);
      return unavailableError(
        resource,
        cause.isTransient ? 'the cluster has no leader' : `the cluster refused (gRPC status ${cause.status})`,
        'Check that more than half of its members run',
        cause,
      );
  }
}

/** The gateway reaches its own member with the member's certificate as a client's, since it has no other. */
function brokenGatewayError(cause: EtcdAnswer, resource: string, server: string): LockError {
  return unavailableError(
    resource,
    `the JSON gateway of ${server} does not reach its own member`,
    'Check its log; with --client-cert-auth the extended key usage of its own certificate must have clientAuth',
    cause,
  );
}

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

export function permitsError(resource: string, wanted: number, theirs: number): LockError {
  const fact = `others hold permits of ${theirs} at most, and ${wanted} were asked for`;
  return refusal('HOLDFAST_CONFIG_MISMATCH', fact, 'Use the same number everywhere', resource);
}

function refusal(
  code: 'HOLDFAST_CONFIG_MISMATCH' | 'HOLDFAST_PERMISSION' | 'HOLDFAST_IO',
  fact: string,
  nextStep: string,
  resource: string,
  cause?: unknown,
): LockError {
  return new LockError(`Could not lock "${resource}": ${fact}. ${nextStep}.`, { code, resource, cause });
}
