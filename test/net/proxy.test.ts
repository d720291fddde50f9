import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { fetchBytes } from '../../src/net/fetch.js';
import { systemClock } from '../../src/platform/clock.js';
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
async function startProxy(): Promise<{ url: string; passed(): number }> {
  const directory = testDirectory();
  const port = await freePort();
  const log = join(directory, 'log');
  writeFileSync(
    join(directory, 'conf'),
    `Port ${port}\nListen 127.0.0.1\nLogFile "${log}"\nLogLevel Connect\nMaxClients 20\n`,
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
