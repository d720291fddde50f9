import { checkOptions, FUNCTION, TEXT } from '../core/check-options.js';
import { LockError } from '../core/errors.js';
import type { FencedStore } from './fenced-update.js';

/**
 * Carries the token of a write. The server compares it with the last one it accepted for that resource, in the same step
 * as the write, and answers 412 Precondition Failed (RFC 9110, 15.5.13) to a lower one.
 */
export const FENCING_HEADER = 'holdfast-fencing-token';

/** What is sent to the resource. */
export interface HttpChange {
  /** Body of the request. Absent: none. */
  readonly body?: string | Uint8Array;
  /** Further headers. Absent: none. */
  readonly headers?: Readonly<Record<string, string>>;
}

const HTTP_RESOURCE_OPTIONS = { method: TEXT, request: FUNCTION };

const PRECONDITION_FAILED = 412;
const NOT_FOUND = 404;

/**
 * A resource behind a URL whose server checks {@link FENCING_HEADER}. A server that does not know the header
 * ignores it and protects nothing.
 *
 * @throws TypeError for a URL that cannot be parsed, and for a wrong option.
 */
export function httpResource(
  url: string,
  options: { readonly method?: string; readonly request?: typeof fetch } = {},
): FencedStore<HttpChange> {
  checkOptions(options, HTTP_RESOURCE_OPTIONS);
  const { method = 'PUT', request = fetch } = options;
  const { origin, pathname } = new URL(url);
  const name = `${origin}${pathname}`;
  return {
    name,
    async write(token, { body, headers }) {
      const reply = await request(url, {
        method,
        headers: { ...headers, [FENCING_HEADER]: token.toString() },
        ...(body !== undefined && { body }),
      });
      await reply.body?.cancel();
      if (reply.ok) return 'written';
      if (reply.status === PRECONDITION_FAILED) return 'stale';
      if (reply.status === NOT_FOUND) return 'missing';
      throw new LockError(`Could not write "${name}": it answered ${reply.status}. See its log.`, {
        code: 'HOLDFAST_NETWORK',
        resource: name,
      });
    },
  };
}

/** For servers: the token of a request, undefined when there is none. @throws TypeError for one that is no number. */
export function fencingTokenOf(
  headers: Readonly<Record<string, string | readonly string[] | undefined>>,
): bigint | undefined {
  const value = headers[FENCING_HEADER];
  if (value === undefined) return undefined;
  if (typeof value !== 'string' || !/^\d{1,20}$/.test(value)) {
    throw new TypeError(`The header ${FENCING_HEADER} is not a number.`);
  }
  return BigInt(value);
}
