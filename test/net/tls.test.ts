import { readFileSync } from 'node:fs';
import { createServer as createHttpsServer } from 'node:https';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';

import { fetchBytes, type FetchOptions } from '../../src/net/fetch.js';
import { systemClock } from '../../src/platform/clock.js';
import { createAuthority, type Authority } from '../support/certificates.js';
import { answer, faultServer } from '../support/fault-server.js';
import { PEERS } from './lying-server/peers.js';

let authority: Authority;
let credentials: { cert: Buffer; key: Buffer };
const trusted = process.env['SSL_CERT_FILE'];

beforeAll(() => {
  authority = createAuthority();
  const { certificate, key } = authority.issue('server');
  credentials = { cert: readFileSync(certificate), key: readFileSync(key) };
  process.env['SSL_CERT_FILE'] = authority.certificate;
});
afterAll(() => {
  if (trusted === undefined) delete process.env['SSL_CERT_FILE'];
  else process.env['SSL_CERT_FILE'] = trusted;
  authority.remove();
});

const get = async (url: string, options: Partial<FetchOptions> = {}): Promise<string> =>
  String((await fetchBytes(url, { clock: systemClock, attempts: 1, ...options })).body);

async function urlOf(server: Server, protocol = 'https'): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  return `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

/** Answers each connection with the same bytes, and ends it by `end`, without the close_notify of TLS. */
function cutting(text: string, end: (socket: Socket) => void): Promise<string> {
  return urlOf(
    createServer((socket) => {
      socket.on('error', () => undefined);
      const secure = new TLSSocket(socket, { isServer: true, ...credentials });
      secure.on('error', () => undefined);
      // What has not been read when a reset comes is thrown away: the client reads first.
      secure.once('data', () => secure.write(text, () => setTimeout(() => end(socket), 100)));
    }),
  );
}

const HEAD = 'HTTP/1.1 200 OK\r\n';
const close = (socket: Socket): void => void socket.destroy();
const reset = (socket: Socket): void => void socket.resetAndDestroy();

test.each([
  ['less than Content-Length', `${HEAD}content-length: 9\r\n\r\nabc`, close],
  ['no last chunk', `${HEAD}transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n`, close],
  ['no length, and a reset', `${HEAD}\r\nabc`, reset],
])('a connection that ends without close_notify cuts a body: %s', async (_name, text, end) => {
  const url = await cutting(text, end);
  await expect(get(url)).rejects.toThrow('cut short');
  const certificate = readFileSync(authority.certificate, 'utf8');
  for (const peer of Object.values(PEERS)) expect(await peer(url, certificate)).toBeUndefined();
});

test('SSL_CERT_FILE names authorities, as it does for curl and git; without it the server is refused', async () => {
  const url = await urlOf(createHttpsServer(credentials, (_, response) => void response.end('abc')));
  expect(await get(url)).toBe('abc');
  delete process.env['SSL_CERT_FILE'];
  await expect(get(url)).rejects.toThrow(/certificate or connection was refused .*NODE_EXTRA_CA_CERTS/);
  process.env['SSL_CERT_FILE'] = '/nowhere';
  await expect(get(url)).rejects.toThrow('certificates of SSL_CERT_FILE cannot be read');
  process.env['SSL_CERT_FILE'] = authority.certificate;
});

test('a redirect from https to http is refused, unless a checksum decides', async () => {
  const plain = await faultServer((_, response) => answer(response, 200, {}, 'abc'));
  const url = await urlOf(
    createHttpsServer(credentials, (_, response) => answer(response, 302, { location: plain.url })),
  );
  await expect(get(url)).rejects.toThrow('it redirects from https to http://127.0.0.1');
  expect(await get(url, { isVerified: true })).toBe('abc');
});

test('a port that speaks another protocol: each way says which', async () => {
  const secure = await urlOf(createHttpsServer(credentials));
  const plain = await faultServer((_, response) => answer(response, 200));
  await expect(get(secure.replace('https', 'http'))).rejects.toThrow('cannot be reached');
  await expect(get(plain.url.replace('http', 'https'))).rejects.toThrow(
    'TLS certificate or connection was refused',
  );
});
