import handleConfig from 'http-cache-tests/server/handle-config.mjs';
import handleState from 'http-cache-tests/server/handle-state.mjs';
import handleTest from 'http-cache-tests/server/handle-test.mjs';
import { setBaseUrl, setFetch, setUseBrowserCache } from 'http-cache-tests/client/config.mjs';
import { makeCacheTest, testResults } from 'http-cache-tests/client/test.mjs';
import suites from 'http-cache-tests/tests/index.mjs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** The suite behind cache-tests.fyi: its tests, its origin server and its judge; only the cache between them is ours. */

interface SuiteRequest {
  readonly request_method?: string;
  readonly expected_type?: 'cached' | 'not_cached' | 'etag_validated' | 'lm_validated';
  readonly expected_response_headers?: readonly unknown[];
  readonly expected_response_headers_missing?: readonly unknown[];
  readonly disconnect?: boolean;
}

export interface SuiteTest {
  readonly id: string;
  readonly name: string;
  readonly kind?: 'required' | 'optimal' | 'check';
  /** For caches that several users share. */
  readonly browser_skip?: boolean;
  readonly requests: readonly SuiteRequest[];
}

/** Lifetimes of about the pause that the suite makes: a slow machine would decide. */
const TIMED = new Set(['heuristic-delta-30', 'heuristic-delta-60']);

/**
 * Those that a private cache of payloads can be asked: it makes GET requests only, hands out bodies and no headers, and
 * keeps no parts.
 */
export function applicableTests(): readonly SuiteTest[] {
  const all: readonly (SuiteTest & { readonly suite: string })[] = suites.flatMap(({ id: suite, tests }) =>
    tests.map((test) => ({ ...test, suite })),
  );
  return all.filter(
    ({ id, suite, browser_skip: isForShared, requests }) =>
      !TIMED.has(id) && isForShared !== true && suite !== 'partial' && requests.every(isPlainGet),
  );
}

function isPlainGet(request: SuiteRequest): boolean {
  return (
    (request.request_method ?? 'GET') === 'GET' &&
    request.expected_response_headers === undefined &&
    request.expected_response_headers_missing === undefined
  );
}

/** What the judge sees of an answer. */
export interface Seen {
  readonly status: number;
  readonly headers: Headers;
  text(): Promise<string>;
}

/** Answers the request number `number` of a test, from 1. */
export type Subject = (request: {
  readonly url: string;
  readonly number: number;
  readonly headers: Readonly<Record<string, string>>;
}) => Promise<Seen>;

/** What each test found; undefined: as it expects. */
export async function runSuite(
  tests: readonly SuiteTest[],
  origin: Origin,
  subject: Subject,
): Promise<ReadonlyMap<string, string | undefined>> {
  setBaseUrl(origin.url);
  setUseBrowserCache(true);
  setFetch((url: string, init: SuiteInit) => {
    if (!url.startsWith(`${origin.url}/test/`)) return fetch(url, init as RequestInit);
    const headers = new Headers(init.headers);
    const number = Number(headers.get('req-num'));
    // Those by which the suite counts, in place of which the origin is told by us: they would make each request another one.
    for (const name of ['req-num', 'test-id', 'test-name']) headers.delete(name);
    origin.expect(url, number);
    return subject({ url, number, headers: Object.fromEntries(headers) });
  });
  for (const { id } of tests) delete testResults[id];
  // The suite writes into its tests as it runs them.
  await Promise.all(tests.map((test) => makeCacheTest(structuredClone(test))));
  return new Map(
    tests.map(({ id }) => {
      const result = testResults[id];
      return [id, result === true ? undefined : (result ?? ['no result']).join(': ')];
    }),
  );
}

interface SuiteInit {
  readonly headers?: [string, string][];
}

export interface Origin {
  readonly url: string;
  /** The next request for `url` is the test's request `number`. */
  expect(url: string, number: number): void;
  /** What was answered to the request `number`. */
  answer(url: string, number: number): Seen;
  close(): Promise<void>;
}

export async function startOrigin(): Promise<Origin> {
  const expected = new Map<string, number>();
  const answers = new Map<string, Map<number, Seen>>();
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    const [, kind, ...rest] = new URL(request.url ?? '/', 'http://origin').pathname.split('/');
    if (kind === 'config') return handleConfig(rest, request, response);
    if (kind === 'state') return handleState(rest, request, response);
    const id = rest[0] as string;
    const number = expected.get(id) ?? 0;
    request.headers['req-num'] = String(number);
    let body = '';
    const end = response.end.bind(response) as (text?: string) => ServerResponse;
    response.end = ((text = '') => end((body = text))) as typeof response.end;
    handleTest(rest, request, response);
    // A connection that was cut counts as an answer of the origin: the suite expects its usual body.
    const text = (): Promise<string> => Promise.resolve(response.socket?.destroyed === true ? id : body);
    const answer = { status: response.statusCode, headers: sentBy(response), text };
    answers.set(id, (answers.get(id) ?? new Map<number, Seen>()).set(number, answer));
  };
  const server = createServer(serve);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const idOf = (path: string): string => new URL(path).pathname.split('/')[2] as string;
  return {
    url,
    expect: (path, number) => void expected.set(idOf(path), number),
    answer(path, number) {
      const answer = answers.get(idOf(path))?.get(number);
      if (answer === undefined) throw new Error(`The request ${number} for ${path} was not answered.`);
      return answer;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function sentBy(response: ServerResponse): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(response.getHeaders()))
    for (const one of [value].flat()) headers.append(name, String(one));
  return headers;
}
