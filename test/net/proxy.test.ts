import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';

import { fetchBytes } from '../../src/net/fetch.js';
import { systemClock } from '../../src/platform/clock.js';
import { createAuthority, type Authority } from '../support/certificates.js';
import { testDirectory } from '../support/directory.js';
import { answer, faultServer } from '../support/fault-server.js';
import { freePort, isListening, until } from '../support/ports.js';
import { start } from '../support/processes.js';

const VARIABLES = [
  'http_proxy',
  'HTTP_PROXY',
  'https_proxy',
  'HTTPS_PROXY',
  'no_proxy',
  'NO_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'SSL_CERT_FILE',
  'REQUEST_METHOD',
];
const before = new Map<string, string | undefined>();

beforeEach(() => {
  for (const name of VARIABLES) {
    before.set(name, process.env[name]);
    delete process.env[name];
  }
});
afterEach(() => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

/** A real proxy, and how many requests it has passed on. */
async function startProxy(...settings: string[]): Promise<{ url: string; passed(): number }> {
  const directory = testDirectory();
  const port = await freePort();
  const log = join(directory, 'log');
  writeFileSync(
    join(directory, 'conf'),
    `Port ${port}\nListen 127.0.0.1\nLogFile "${log}"\nLogLevel Connect\nMaxClients 20\n${settings.join('\n')}\n`,
  );
  start('tinyproxy', ['-d', '-c', join(directory, 'conf')], { stdio: ['pipe', 'ignore', 'inherit'] });
  await until('the proxy listens', () => isListening(port));
  const lines = (): string[] => readFileSync(log, 'utf8').split('\n');
  return {
    url: `http://127.0.0.1:${port}`,
    passed: () => lines().filter((line) => /Request \(file descriptor/.test(line)).length,
  };
}

const get = async (url: string): Promise<string> =>
  String((await fetchBytes(url, { clock: systemClock, attempts: 1 })).body);

test.each(['http_proxy', 'HTTP_PROXY'])('%s: requests go through the proxy', async (name) => {
  const proxy = await startProxy();
  const server = await faultServer((_, response) => answer(response, 200, {}, 'x'));
  process.env[name] = proxy.url;
  expect(await get(server.url)).toBe('x');
  expect(proxy.passed()).toBe(1);
  expect(server.requests[0]?.headers.via).toMatch(/tinyproxy/);
});

test.each(['no_proxy', 'NO_PROXY'])('%s: hosts named there are asked directly', async (name) => {
  const server = await faultServer((_, response) => answer(response, 200, {}, 'x'));
  process.env['http_proxy'] = 'http://127.0.0.1:1';
  await expect(get(server.url)).rejects.toThrow('cannot be reached');
  process.env[name] = 'example.test,127.0.0.1';
  expect(await get(server.url)).toBe('x');
});

test('HTTP_PROXY of a CGI program is a header of its client, and is ignored', async () => {
  const server = await faultServer((_, response) => answer(response, 200, {}, 'x'));
  process.env['HTTP_PROXY'] = 'http://127.0.0.1:1';
  process.env['REQUEST_METHOD'] = 'GET';
  expect(await get(server.url)).toBe('x');
});

describe('https', () => {
  let authority: Authority;
  beforeAll(() => {
    authority = createAuthority();
  });
  afterAll(() => authority.remove());

  async function secureServer(): Promise<string> {
    const { certificate, key } = authority.issue('server');
    const credentials = { cert: readFileSync(certificate), key: readFileSync(key) };
    const server = createHttpsServer(credentials, (_, response) => void response.end('there'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    process.env['SSL_CERT_FILE'] = authority.certificate;
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  test.each(['https_proxy', 'HTTPS_PROXY', 'all_proxy'])('%s: through a tunnel', async (name) => {
    const [proxy, url] = [await startProxy(), await secureServer()];
    process.env[name] = proxy.url;
    expect(await get(url)).toBe('there');
    expect(proxy.passed()).toBe(1);
  });

  test('http_proxy is not for https', async () => {
    const [proxy, url] = [await startProxy(), await secureServer()];
    process.env['http_proxy'] = proxy.url;
    expect(await get(url)).toBe('there');
    expect(proxy.passed()).toBe(0);
  });

  test('a tunnel that is refused: the proxy and its status are named', async () => {
    const [proxy, url] = [await startProxy('ConnectPort 443'), await secureServer()];
    process.env['https_proxy'] = proxy.url;
    await expect(get(url)).rejects.toThrow(
      /the proxy answered 403\. Correct http_proxy, https_proxy or no_proxy/,
    );
  });
});

test('a proxy with a password: its URL carries it, to http and https; without it 407 is named', async () => {
  const server = await faultServer((request, response) =>
    answer(response, 200, {}, String(request.headers['proxy-authorization'])),
  );
  const proxy = await startProxy('BasicAuth ada hush');
  process.env['http_proxy'] = proxy.url;
  const refusal = await get(server.url).catch((error: Error) => error);
  expect(refusal).toMatchObject({ message: expect.stringContaining('the proxy answered 407') as string });
  process.env['http_proxy'] = proxy.url.replace('//', '//ada:hush@');
  expect(await get(server.url)).toBe('undefined');
});

test('a proxy without a scheme is one by http, and hosts without one may name their port', async () => {
  const proxy = await startProxy();
  const server = await faultServer((_, response) => answer(response, 200, {}, 'there'));
  process.env['http_proxy'] = proxy.url.replace('http://', '');
  expect(await get(server.url)).toBe('there');
  expect(proxy.passed()).toBe(1);
  process.env['no_proxy'] = `example.test, 127.0.0.1:${new URL(server.url).port}`;
  expect(await get(server.url)).toBe('there');
  process.env['no_proxy'] = '127.0.0.1:1';
  expect(await get(server.url)).toBe('there');
  expect(proxy.passed()).toBe(2);
});

test.each(['ftp://127.0.0.1:1', 'http://['])(
  '%s is no proxy: its variable is named, its value is not',
  async (value) => {
    process.env['http_proxy'] = value;
    await expect(get('http://127.0.0.1:1/')).rejects.toThrow(
      /http_proxy names no proxy by http, https or socks5/,
    );
  },
);

test('a detached request keeps no process alive behind a proxy either', async () => {
  const proxy = await startProxy();
  // It never answers. The program's own reason to live ends as soon as it is asked.
  const server = await faultServer(() => void child.stdin.end());
  const program = `
    import { dispatcherFor } from '${new URL('../../dist/net/dispatcher.js', import.meta.url).href}';
    const dispatcher = await dispatcherFor('http:', true);
    const { origin } = new URL('${server.url}');
    dispatcher.request({ origin, path: '/', method: 'GET' }).catch(() => undefined);
    process.stdin.resume();
  `;
  const env = { ...process.env, http_proxy: proxy.url };
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    env,
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exitCode = await new Promise((resolve) => child.once('exit', resolve));
  expect([exitCode, server.requests.length]).toEqual([0, 1]);
});
