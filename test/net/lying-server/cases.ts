import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

/** Clients that the verdicts are compared with. */
export type Peer = 'got' | 'make-fetch-happen';

export interface Case {
  readonly name: string;
  /** The bytes of the answer; the connection is then closed, or reset. */
  readonly answer: Buffer;
  readonly ending?: 'reset';
  /** The body, or what the message says. */
  readonly expected: { readonly body: string } | { readonly error: string };
  /** Clients that come to another verdict, and why that is not ours. */
  readonly differs?: Partial<Record<Peer, string>>;
  /** Why the others are not asked. */
  readonly isOursAlone?: string;
}

type Options = Pick<Case, 'ending' | 'differs'>;

const BODY = `{"list":"${'x'.repeat(300)}"}`;
const is = (body: string): Case['expected'] => ({ body });
const fails = (error: string): Case['expected'] => ({ error });

function http(
  head: string,
  headers: Record<string, string | number> = {},
  body: string | Buffer = '',
): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return Buffer.concat([Buffer.from(`${head}\r\n${lines.join('')}\r\n`), Buffer.from(body)]);
}

function ok(headers: Record<string, string | number>, body: string | Buffer = ''): Buffer {
  return http('HTTP/1.1 200 OK', headers, body);
}

/** A whole body of its status. */
function status(code: number, expected: Case['expected'], options: Options = {}): Case {
  const isEmpty = code === 204 || code === 304;
  const head = `HTTP/1.1 ${code} Words`;
  const answer = isEmpty ? http(head) : http(head, { 'content-length': BODY.length }, BODY);
  return { name: `status ${code}`, answer, expected, ...options };
}

const NO_PAYLOAD = 'Only 200 and 203 carry the payload that was asked for; the others would take its place.';
const noPayload = { differs: { got: NO_PAYLOAD, 'make-fetch-happen': NO_PAYLOAD } };
const forGot = { differs: { got: NO_PAYLOAD } };

export const STATUSES: readonly Case[] = [
  status(200, is(BODY)),
  status(203, is(BODY)),
  ...[201, 202, 204, 205, 206, 207, 226, 299].map((code) =>
    status(code, fails(`answered ${code} Words, which carries no whole payload`), noPayload),
  ),
  ...[300, 301, 302, 303, 305, 306, 307, 308].map((code) => status(code, fails(`answered ${code}`))),
  status(304, fails('answered 304'), forGot),
  ...[400, 401, 403, 404, 405, 407, 408, 410, 416, 418, 421, 425, 429, 451].map((code) =>
    status(code, fails(`answered ${code} Words`)),
  ),
  ...[500, 501, 502, 503, 504, 505, 507, 511, 520, 524, 599].map((code) =>
    status(code, fails(`answered ${code} Words`)),
  ),
];

const whole = ok({ 'content-length': BODY.length }, BODY);
const UNASKED = 'undici takes 100 without Expect for a broken answer; it is tried again.';

export const INTERIM: readonly Case[] = [
  {
    name: '103 before the answer',
    answer: Buffer.concat([http('HTTP/1.1 103 Early Hints', { link: '</a>' }), whole]),
    expected: is(BODY),
  },
  {
    name: '100 before the answer, although nothing was to be continued',
    answer: Buffer.concat([http('HTTP/1.1 100 Continue'), whole]),
    expected: fails('cannot be reached'),
    differs: { got: UNASKED, 'make-fetch-happen': UNASKED },
  },
  {
    name: '100 and nothing after it',
    answer: http('HTTP/1.1 100 Continue'),
    expected: fails('cannot be reached'),
  },
  {
    name: '103 and nothing after it',
    answer: http('HTTP/1.1 103 Early Hints'),
    expected: fails('cannot be reached'),
  },
  {
    name: '101, to another protocol',
    answer: http('HTTP/1.1 101 Switching Protocols', { upgrade: 'x', connection: 'upgrade' }),
    expected: fails('Could not fetch'),
    isOursAlone: 'They wait for ever.',
  },
];

const HALF = BODY.slice(0, 100);

export const CUTS: readonly Case[] = [
  {
    name: 'a whole body in chunks',
    answer: ok({ 'transfer-encoding': 'chunked' }, '3\r\nabc\r\n0\r\n\r\n'),
    expected: is('abc'),
  },
  { name: 'a body without a length, and a close', answer: ok({}, BODY), expected: is(BODY) },
  { name: 'HTTP/1.0 without a length', answer: http('HTTP/1.0 200 OK', {}, BODY), expected: is(BODY) },
  {
    name: 'less than Content-Length',
    answer: ok({ 'content-length': BODY.length }, HALF),
    expected: fails(`cut short after 100 of ${BODY.length} bytes`),
  },
  {
    name: 'HTTP/1.0, less than Content-Length',
    answer: http('HTTP/1.0 200 OK', { 'content-length': BODY.length }, HALF),
    expected: fails('cut short'),
  },
  {
    name: 'a reset before Content-Length',
    answer: ok({ 'content-length': BODY.length }, HALF),
    ending: 'reset',
    expected: fails('cut short'),
  },
  {
    name: 'a chunk that ends too early',
    answer: ok({ 'transfer-encoding': 'chunked' }, '9\r\nabc'),
    expected: fails('cut short'),
  },
  {
    name: 'no last chunk',
    answer: ok({ 'transfer-encoding': 'chunked' }, '3\r\nabc\r\n'),
    expected: fails('cut short'),
  },
  {
    name: 'a reset after a chunk',
    answer: ok({ 'transfer-encoding': 'chunked' }, '3\r\nabc\r\n'),
    ending: 'reset',
    expected: fails('cut short'),
  },
  {
    name: 'a reset in a body without a length',
    answer: ok({}, HALF),
    ending: 'reset',
    expected: fails('cut short'),
  },
];

const MALFORMED = 'no HTTP that can be read';

export const MALFORMED_ANSWERS: readonly Case[] = [
  { name: 'nothing at all', answer: Buffer.alloc(0), expected: fails('cannot be reached') },
  { name: 'a half status line', answer: Buffer.from('HTTP/1.1 20'), expected: fails('cannot be reached') },
  { name: 'a body without a head', answer: Buffer.from(BODY), expected: fails(MALFORMED) },
  { name: 'a record of TLS', answer: Buffer.from([0x15, 3, 3, 0, 2, 2, 40]), expected: fails(MALFORMED) },
  { name: 'a negative length', answer: ok({ 'content-length': -1 }, BODY), expected: fails(MALFORMED) },
  {
    name: 'two lengths',
    answer: ok({ 'content-length': '3\r\ncontent-length: 2' }, 'abc'),
    expected: fails(MALFORMED),
  },
  {
    name: 'a length and chunks',
    answer: ok({ 'content-length': 3, 'transfer-encoding': 'chunked' }, '3\r\nabc\r\n0\r\n\r\n'),
    expected: fails(MALFORMED),
  },
  { name: 'a header of 100 kB', answer: ok({ x: 'y'.repeat(100_000) }, BODY), expected: fails(MALFORMED) },
  {
    name: 'a body of another length than said: what is beyond it',
    answer: ok({ 'content-length': 2 }, 'abc'),
    expected: is('ab'),
    isOursAlone: 'What is beyond the body is another answer, or none, depending on when it comes.',
  },
];

function encoded(
  name: string,
  encoding: string,
  body: Buffer | string,
  rest: Omit<Case, 'name' | 'answer'>,
): Case {
  const headers = { 'content-encoding': encoding, 'content-length': Buffer.byteLength(body) };
  return { name, answer: ok(headers, body), ...rest };
}

const gzip = gzipSync(BODY);
const brotli = brotliCompressSync(BODY);
const zlib = deflateSync(BODY);
const PASSED_ON = 'A body in an encoding that nobody can undo is not the payload.';
const MORE_THAN_ONE = 'It undoes one encoding only.';
const NAMES_ONE = 'It compares the name of the encoding by case.';
const LENIENT = 'A compressed body that is cut is a cut body.';

export const ENCODINGS: readonly Case[] = [
  encoded('gzip', 'gzip', gzip, { expected: is(BODY) }),
  encoded('GZIP', 'GZIP', gzip, { expected: is(BODY), differs: { 'make-fetch-happen': NAMES_ONE } }),
  encoded('x-gzip', 'x-gzip', gzip, {
    expected: is(BODY),
    differs: { got: 'It does not know the old name (RFC 9110, 8.4.1.3).' },
  }),
  encoded('gzip in two members', 'gzip', Buffer.concat([gzipSync('a'), gzipSync('b')]), {
    expected: is('ab'),
  }),
  encoded('deflate', 'deflate', zlib, { expected: is(BODY) }),
  encoded("deflate without zlib's header", 'deflate', deflateRawSync(BODY), {
    expected: is(BODY),
    differs: { got: 'It knows the form of RFC 1950 only.' },
  }),
  encoded('br', 'br', brotli, { expected: is(BODY) }),
  encoded('gzip twice', 'gzip, gzip', gzipSync(gzip), {
    expected: is(BODY),
    differs: { got: MORE_THAN_ONE, 'make-fetch-happen': MORE_THAN_ONE },
  }),
  encoded('br, then gzip', 'br, gzip', gzipSync(brotli), {
    expected: is(BODY),
    differs: { got: MORE_THAN_ONE, 'make-fetch-happen': MORE_THAN_ONE },
  }),
  encoded('identity', 'identity', BODY, { expected: is(BODY) }),
  encoded('an encoding that was not asked for', 'zstd', BODY, {
    expected: fails('"zstd", which was not asked for'),
    differs: { got: PASSED_ON, 'make-fetch-happen': PASSED_ON },
  }),
  encoded('gzip by name only', 'gzip', BODY, { expected: fails('no whole "gzip"') }),
  encoded('br by name only', 'br', BODY, { expected: fails('no whole "br"') }),
  encoded('gzip that is cut', 'gzip', gzip.subarray(0, -9), {
    expected: fails('cut short'),
    differs: { 'make-fetch-happen': LENIENT },
  }),
  encoded('gzip whose second member is cut', 'gzip', Buffer.concat([gzip, gzip.subarray(0, 15)]), {
    expected: fails('cut short'),
    differs: { 'make-fetch-happen': LENIENT },
  }),
  encoded('br that is cut', 'br', brotli.subarray(0, -5), { expected: fails('cut short') }),
  encoded('deflate that is cut', 'deflate', zlib.subarray(0, -6), { expected: fails('cut short') }),
  encoded('gzip with a wrong checksum', 'gzip', flipped(gzip, gzip.length - 6), {
    expected: fails('no whole "gzip"'),
  }),
];

function flipped(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

const text = (
  name: string,
  type: string,
  body: Buffer,
  expected: Case['expected'],
  differs?: Case['differs'],
): Case => ({
  name,
  answer: ok({ 'content-type': type, 'content-length': body.length }, body),
  expected,
  ...(differs && { differs }),
});

const GUESSED =
  'What is no UTF-8 is not text to us: each byte that cannot be read would become a question mark.';

export const CHARSETS: readonly Case[] = [
  text('UTF-8', 'text/plain', Buffer.from('caf\u00e9'), is('caf\u00e9')),
  text('a byte order mark, which is kept', 'text/plain', Buffer.from('\ufeffa'), is('\ufeffa')),
  text(
    'Latin-1',
    'text/plain; charset=iso-8859-1',
    Buffer.from('caf\xe9', 'latin1'),
    fails('not UTF-8 text'),
    { got: GUESSED, 'make-fetch-happen': GUESSED },
  ),
  text('UTF-16', 'text/plain; charset=utf-16', Buffer.from('\ufeffa', 'utf16le'), fails('not UTF-8 text'), {
    got: GUESSED,
    'make-fetch-happen': GUESSED,
  }),
];
