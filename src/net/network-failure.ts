/** Why one attempt failed. The `cause` of the LockError that the caller of a fetch sees. */
export class NetworkFailure extends Error {
  /** What kind of failure. */
  readonly kind:
    | 'status'
    | 'connection'
    | 'proxy'
    | 'certificate'
    | 'protocol'
    | 'timeout'
    | 'cut-short'
    | 'too-large'
    | 'request';
  /** Whether a repetition may help. */
  readonly isTransient: boolean;
  /** Status code of the response; undefined where there was none. */
  readonly status: number | undefined;
  /** Milliseconds that the server asked us to stay away. */
  readonly retryAfterMs: number | undefined;
  /** The caller's own timeout ended it: another caller, with more time, may fare better. */
  readonly isOwnLimit: boolean;

  /** Made by the requests of this package. */
  constructor(
    fact: string,
    details: {
      readonly kind: NetworkFailure['kind'];
      readonly isTransient: boolean;
      readonly status?: number | undefined;
      readonly retryAfterMs?: number | undefined;
      readonly isOwnLimit?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(fact, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NetworkFailure';
    this.kind = details.kind;
    this.isTransient = details.isTransient;
    this.status = details.status;
    this.retryAfterMs = details.retryAfterMs;
    this.isOwnLimit = details.isOwnLimit ?? false;
  }
}

/**
 * Server busy, in between, or not yet done (202): asking again may help. 501 and 505 will say the same for ever. 520 to 524 come
 * from CDNs that did not reach their origin.
 */
const TRANSIENT_STATUS = new Set([202, 408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524]);

/** Not ENOTFOUND: a name that does not exist is a typing error more often than a moment (EAI_AGAIN is the moment). */
const TRANSIENT_CODES = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ENETDOWN',
  'ENETUNREACH',
  'ENETRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'EAI_AGAIN',
  'UND_ERR_SOCKET',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
]);

export function statusFailure(
  status: number,
  statusText: string,
  retryAfter: number | undefined,
): NetworkFailure {
  const name = statusText === '' ? String(status) : `${status} ${statusText}`;
  const meaning = status >= 200 && status < 300 ? ', which carries no whole payload' : '';
  return new NetworkFailure(`the server answered ${name}${meaning}`, {
    kind: 'status',
    isTransient: TRANSIENT_STATUS.has(status),
    status,
    retryAfterMs: retryAfter,
  });
}

/** OpenSSL's verify results, Node's own codes, and the plain "wrong version number" of a port without TLS. */
export const TLS_CODE =
  /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|CRL_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/;

/** What was thrown before there was an answer. */
export function connectionFailure(error: unknown): NetworkFailure {
  const { code, message } = innermost(error);
  if (code !== undefined && TLS_CODE.test(code)) {
    const fact = `its TLS certificate or connection was refused (${code})`;
    return new NetworkFailure(fact, { kind: 'certificate', isTransient: false, cause: error });
  }
  const refusal = proxyRefusal(message);
  if (refusal !== undefined) return refusal;
  if (isNoHttp(code, message)) {
    const fact = `what it answered is no HTTP that can be read (${/^(UND_|ERR_)/.test(code ?? '') ? code : message})`;
    return new NetworkFailure(fact, { kind: 'protocol', isTransient: false, cause: error });
  }
  const isTransient = code !== undefined && TRANSIENT_CODES.has(code);
  return new NetworkFailure(`the server cannot be reached (${code ?? message})`, {
    kind: 'connection',
    isTransient,
    cause: error,
  });
}

/** undici has no code of its own for these. */
function proxyRefusal(message: string): NetworkFailure | undefined {
  const status = /^Proxy response \((\d+)\)|^Proxy Authentication Required \((407)\)/.exec(message);
  if (status === null) return undefined;
  const number = Number(status[1] ?? status[2]);
  const isTransient = TRANSIENT_STATUS.has(number);
  return new NetworkFailure(`the proxy answered ${number}`, { kind: 'proxy', isTransient, status: number });
}

function isNoHttp(code: string | undefined, message: string): boolean {
  return (
    message.startsWith('Response does not match the HTTP') ||
    /^(HPE_|ERR_ASSERTION$|UND_ERR_RES_|UND_ERR_HEADERS_OVERFLOW)/.test(code ?? '')
  );
}

/** undici wraps: TypeError "fetch failed" > AggregateError > the error with the code. */
function innermost(error: unknown): { code: string | undefined; message: string } {
  let current = error as
    { code?: unknown; message?: unknown; cause?: unknown; errors?: unknown[] } | undefined;
  let code: string | undefined;
  let message = String(error);
  for (let depth = 0; current !== undefined && current !== null && depth < 8; depth++) {
    if (typeof current.code === 'string') code = current.code;
    if (typeof current.message === 'string' && current.message !== '')
      ({ message } = current as { message: string });
    current = (current.cause ?? current.errors?.[0]) as typeof current;
  }
  return { code, message };
}
