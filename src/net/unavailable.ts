import { formatDuration } from '../core/duration.js';
import { isLockError, LockError } from '../core/errors.js';
import { TLS_CODE } from './network-failure.js';

/** A server that is not there, does not answer, or does not let us in. */
export function unavailableError(
  resource: string,
  fact: string,
  nextStep: string,
  cause?: unknown,
): LockError {
  return new LockError(`Could not reach the server of "${resource}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_BACKEND_UNAVAILABLE',
    resource,
    cause,
  });
}

const outages = new WeakSet<LockError>();

/** `error`, which may pass by itself: see {@link isOutage}. */
export function asOutage(error: LockError): LockError {
  outages.add(error);
  return error;
}

/** A server that is down, unreachable or silent for now. False where only a person can help: a password, a certificate. */
export function isOutage(error: unknown): boolean {
  return isLockError(error) && (error.isUnconfirmed || outages.has(error));
}

/** The server took the connection, or the request, and then said nothing. */
export class SilentServerError extends Error {
  readonly code = 'ETIMEDOUT';
  readonly waitedMs: number;

  constructor(waitedMs: number) {
    super(`no answer within ${formatDuration(waitedMs)}`);
    this.waitedMs = waitedMs;
  }
}

/** Of the codes below those that are facts about the address, not about the moment. */
const LASTING = new Set(['ENOTFOUND', 'EADDRNOTAVAIL']);

/** {@link connectionFact} as an error of `resource`. */
export function connectionError(error: unknown, resource: string, server: string): LockError | undefined {
  const fact = connectionFact(error, server);
  if (fact === undefined) return undefined;
  const unavailable = unavailableError(resource, fact[0], fact[1], error);
  const code = codeOf(error);
  const isLasting = code === undefined || LASTING.has(code) || TLS_CODE.test(code);
  return isLasting ? unavailable : asOutage(unavailable);
}

/**
 * What keeps a connection from coming about, in words for people; undefined when `error` is not about the
 * connection. Never repeats the error's own text: client libraries put addresses, and once in a while secrets, there.
 */
function connectionFact(
  error: unknown,
  server: string,
): readonly [fact: string, nextStep: string] | undefined {
  const code = codeOf(error);
  switch (code) {
    case 'ECONNREFUSED':
      return [`nothing listens at ${server} (${code})`, 'Start the server, or correct the address'];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return [`the host of ${server} is unknown (${code})`, 'Correct the host name, or check the resolver'];
    case 'ENOENT':
    case 'ENOTSOCK':
      return [`there is no socket at ${server} (${code})`, 'Start the server, or correct the address'];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return [`no route leads to ${server} (${code})`, 'Check the network, or correct the address'];
    case 'ETIMEDOUT':
    case 'ESOCKETTIMEDOUT':
      return [
        error instanceof SilentServerError
          ? `${server} did not answer within ${formatDuration(error.waitedMs)}`
          : `${server} did not answer (${code})`,
        'Check that it runs, that no firewall is in the way, and that an address with TLS meets a port with TLS',
      ];
    case 'ECONNRESET':
    case 'EPIPE':
    case 'ECONNABORTED':
      return [`${server} closed the connection (${code})`, 'Check its log; a plain port does not speak TLS'];
  }
  if (code !== undefined && CLIENT_CERTIFICATE.test(code)) {
    return [
      `TLS with ${server} was refused: it does not accept our certificate, or wants one (${code})`,
      'Name a certificate that its authority has signed, and its key, in the address',
    ];
  }
  if (code !== undefined && TLS_CODE.test(code)) {
    return [
      `TLS with ${server} was refused (${code})`,
      'Check the certificate, the authority it is checked against, and that the port speaks TLS',
    ];
  }
  return undefined;
}

/** Alerts that come from the server: it is our certificate that they are about (RFC 8446, 6.2). */
const CLIENT_CERTIFICATE =
  /^ERR_SSL_\w*ALERT_(CERTIFICATE_|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA)/;

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code === 'string') return code;
  // Happy eyeballs fails with one error per address; the first is as good as any.
  const errors = (error as { errors?: unknown } | null)?.errors;
  if (Array.isArray(errors) && errors.length > 0) return codeOf(errors[0]);
  return undefined;
}
