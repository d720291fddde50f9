import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { answer, answerJson, faultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';
import { dataOf } from '../support/holdfast.js';
import { start } from '../support/processes.js';

const HOLDFAST = new URL('../../dist/bin/holdfast.cjs', import.meta.url).pathname;

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Call {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** The command as a shell would run it, in an empty configuration. */
async function holdfast(
  args: readonly string[],
  { cwd = testDirectory(), env = {} }: Call = {},
): Promise<Outcome> {
  const child = start(process.execPath, [HOLDFAST, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'], HOME: cwd, ...env },
  });
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { code, stdout } = await child.exited;
  return { code, stdout, stderr };
}

describe('cache refresh', () => {
  test('writes the file, says so on stderr, and prints nothing on stdout', async () => {
    const server = await faultServer((_, response) => answerJson(response, { n: 1 }));
    const file = join(testDirectory(), 'list.json');
    expect(await holdfast(['cache', 'refresh', file, '--url', server.url])).toEqual({
      code: 0,
      stdout: '',
      stderr: `holdfast: ${file}: refreshed, generation 1, 7 bytes.\n`,
    });
    const { stdout } = await holdfast(['cache', 'refresh', file, '--url', server.url, '--json']);
    expect(dataOf(stdout)).toMatchObject({ path: file, generation: 2, origin: 'fetch', sizeBytes: 7 });
  });

  test('two at once: the server counts one hit, and the second says that it used the first', async () => {
    const server = await faultServer((_, response) => {
      setTimeout(() => answerJson(response, { n: 1 }), 400);
    });
    const file = join(testDirectory(), 'list.json');
    const args = ['cache', 'refresh', file, '--url', server.url];
    const both = await Promise.all([holdfast(args), holdfast(args)]);
    expect(server.requests).toHaveLength(1);
    expect(both.map(({ code }) => code)).toEqual([0, 0]);
    expect(both.filter(({ stderr }) => stderr.includes(': refreshed, generation 1'))).toHaveLength(1);
    expect(
      both.filter(({ stderr }) => stderr.includes(": used another process's refresh, generation 1")),
    ).toHaveLength(1);
  });

  test('behind a slow one, --timeout 2 ends with 75, names value and source, and the first goes on', async () => {
    let release = (): void => undefined;
    const server = await faultServer((_, response) => {
      release = () => answerJson(response, { n: 1 });
    });
    const file = join(testDirectory(), 'list.json');
    const args = ['cache', 'refresh', file, '--url', server.url];
    const first = holdfast(args);
    await expect.poll(() => server.requests.length).toBe(1);
    const second = await holdfast([...args, '--timeout', '2']);
    expect(second.code).toBe(75);
    expect(second.stderr).toMatch(/waiting for ".*list\.json"/);
    expect(second.stderr).toMatch(
      /Could not lock ".*" within timeout 2 s \(--timeout\): it is held by pid \d+/,
    );
    release();
    expect(await first).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('refreshed, generation 1'),
    });
    expect(server.requests).toHaveLength(1);
  });

  test('503 twice is tried again, 404 is not, a hang times out, a cut body is refused: each says so', async () => {
    const directory = testDirectory();
    let busy = 0;
    const server = await faultServer((request, response) => {
      if (request.url === '/busy') answer(response, ++busy < 3 ? 503 : 200, {}, '{}');
      else if (request.url === '/gone') answer(response, 404);
      else if (request.url === '/cut') {
        response.writeHead(200, { 'content-length': '50' }).write('{"a":');
        setTimeout(() => response.destroy(), 10);
      }
    });
    const run = (name: string, ...more: string[]): Promise<Outcome> =>
      holdfast(['cache', 'refresh', join(directory, name), '--url', server.url + name, ...more]);
    const [retried, gone, hung, cut] = await Promise.all([
      run('busy'),
      run('gone'),
      run('hang', '--timeout', '1'),
      run('cut'),
    ]);
    expect(retried).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/503.*attempt 2 of 4[^]*attempt 3 of 4[^]*refreshed/),
    });
    expect(gone).toMatchObject({
      code: 20,
      stderr: expect.stringMatching(/answered 404 Not Found.*would not help/),
    });
    expect(hung).toMatchObject({
      code: 20,
      stderr: expect.stringMatching(/timed out.*timeout 1 s \(--timeout\)/),
    });
    expect(cut).toMatchObject({
      code: 20,
      stderr: expect.stringMatching(/cut short after 5 of 50 bytes and was refused/),
    });
    const counts = server.requests.map(({ url }) => url);
    expect(
      ['/busy', '/gone', '/hang', '/cut'].map((url) => counts.filter((each) => each === url).length),
    ).toEqual([3, 1, 1, 4]);
  });

  test('a refresh that fails says which generation stays', async () => {
    const server = await faultServer((_, response, hit) => answer(response, hit === 1 ? 200 : 404, {}, '{}'));
    const file = join(testDirectory(), 'list.json');
    await holdfast(['cache', 'refresh', file, '--url', server.url]);
    const { code, stderr } = await holdfast(['cache', 'refresh', file, '--url', server.url]);
    expect(code).toBe(20);
    expect(stderr).toMatch(/generation 1, fetched \d.* ago, stays readable\.\nholdfast: Could not fetch/);
  });
});

describe('the timeout', () => {
  const wait = async (args: readonly string[], call: Call): Promise<Outcome> => {
    const server = await faultServer(() => undefined);
    return holdfast(['cache', 'refresh', 'f', '--url', server.url, ...args], call);
  };
  const config = (text: string): string => {
    const cwd = testDirectory();
    writeFileSync(join(cwd, 'holdfast.config.json'), text);
    return cwd;
  };

  test('is the option, else the variable, else the configuration, else the default, and its source is named', async () => {
    const cwd = config('{"cache":{"timeout":"300ms"}}');
    const env = { HOLDFAST_LOCK_TIMEOUT: '200ms' };
    const byOption = await wait(['--timeout', '100ms'], { cwd, env });
    expect(byOption.stderr).toContain('timeout 100 ms (--timeout)');
    expect((await wait([], { cwd, env })).stderr).toContain('timeout 200 ms (HOLDFAST_LOCK_TIMEOUT)');
    expect((await wait([], { cwd })).stderr).toContain('timeout 300 ms (holdfast.config.json)');
    expect((await holdfast(['cache', 'refresh', '--help'])).stdout).toContain('10m');
  });

  test('a configuration with a mistake is refused, and the key named', async () => {
    const wrong = await wait([], { cwd: config('{"cache":{"timeout":"soon"}}') });
    expect(wrong).toMatchObject({ code: 64, stderr: expect.stringContaining('cache.timeout must be') });
    const unknown = await wait([], { cwd: config('{"cache":{"timout":"1s"}}') });
    expect(unknown).toMatchObject({ code: 64, stderr: expect.stringContaining('cache.timout') });
  });
});

describe('cache get', () => {
  test('prints the payload, and from a fresh file without asking', async () => {
    const server = await faultServer((_, response) =>
      answer(response, 200, { 'content-type': 'application/json' }, '{ "n": 1 }\n'),
    );
    const file = join(testDirectory(), 'list.json');
    for (let call = 0; call < 2; call++) {
      expect(await holdfast(['cache', 'get', file, '--url', server.url])).toEqual({
        code: 0,
        stdout: '{ "n": 1 }\n',
        stderr: '',
      });
    }
    expect(await holdfast(['cache', 'get', file])).toEqual({ code: 0, stdout: '{ "n": 1 }\n', stderr: '' });
    expect(server.requests).toHaveLength(1);
    const { stdout } = await holdfast(['cache', 'get', file, '--json']);
    expect(dataOf(stdout)).toMatchObject({ generation: 1, isStale: false, data: { n: 1 } });
  });

  test('a broken file exits 65 without a URL, and heals with one', async () => {
    const server = await faultServer((_, response) => answerJson(response, { n: 1 }));
    const file = join(testDirectory(), 'list.json');
    await holdfast(['cache', 'refresh', file, '--url', server.url]);
    const text = readFileSync(file, 'utf8');
    for (const broken of [
      '',
      text.slice(0, -4),
      text.replace('"n":1', '"n":2'),
      text.replace('"schema":2', '"schema":7'),
    ]) {
      writeFileSync(file, broken);
      const { code, stdout, stderr } = await holdfast(['cache', 'get', file]);
      expect({ code, stdout }).toEqual({ code: 65, stdout: '' });
      expect(stderr).toMatch(/Could not read ".*": its? .*Give --url, to fetch it\./);
      const hits = server.requests.length;
      expect(await holdfast(['cache', 'get', file, '--url', server.url])).toMatchObject({
        code: 0,
        stdout: '{"n":1}',
      });
      expect(server.requests).toHaveLength(hits + 1);
    }
    expect((await holdfast(['cache', 'get', join(testDirectory(), 'none')])).code).toBe(74);
  });

  test('without a network the old payload is printed, called stale, and the exit code tells', async () => {
    const server = await faultServer((_, response, hit) => {
      if (hit === 1) answerJson(response, { n: 1 });
      else response.destroy();
    });
    const file = join(testDirectory(), 'list.json');
    await holdfast(['cache', 'refresh', file, '--url', server.url, '--ttl', '0']);
    const offline = await holdfast(['cache', 'get', file, '--url', server.url]);
    expect(offline).toMatchObject({ code: 20, stdout: '{"n":1}' });
    expect(offline.stderr).toMatch(/cannot be reached[^]*list\.json is stale: generation 1, fetched/);
    const unasked = await holdfast(['cache', 'get', file]);
    expect(unasked).toMatchObject({
      code: 0,
      stdout: '{"n":1}',
      stderr: expect.stringContaining('is stale'),
    });
  });
});

test('cache status tells age, generation, size and source; broken 65, missing 74', async () => {
  const server = await faultServer((_, response) => answerJson(response, { n: 1 }));
  const file = join(testDirectory(), 'list.json');
  expect(await holdfast(['cache', 'status', file])).toMatchObject({
    code: 74,
    stdout: expect.stringContaining('missing'),
  });
  await holdfast(['cache', 'refresh', file, '--url', `${server.url}?token=hush`, '--ttl', 'infinite']);
  const { code, stdout } = await holdfast(['cache', 'status', file]);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /state +fresh\ngeneration +1\nfetched .* ago\)\nttl +infinite\nsize +7 bytes of json/,
  );
  expect(stdout).not.toContain('hush');
  const json = dataOf<object>((await holdfast(['cache', 'status', file, '--json'])).stdout);
  expect(json).toMatchObject({
    state: 'fresh',
    generation: 1,
    ttlMs: null,
    sizeBytes: 7,
    source: server.url,
    refreshers: [],
  });
  truncateSync(file, 30);
  expect((await holdfast(['cache', 'status', file])).code).toBe(65);
});

test.each([
  [['cache', 'refresh', 'f'], '--url is missing'],
  [['cache', 'refresh', 'f', '--url', 'ftp://host/'], '--url is an http or https URL'],
  [['cache', 'refresh'], 'FILE is missing'],
  [['cache', 'get', 'f', '--timeout', 'soon'], '--timeout is a duration'],
  [['cache'], 'needs one more word'],
])('%j is a wrong call: 64', async (args, fact) => {
  expect(await holdfast(args)).toMatchObject({ code: 64, stdout: '', stderr: expect.stringContaining(fact) });
});

describe('cache ls and cache rm', () => {
  test('list the caches of a directory, and remove only what is one', async () => {
    const server = await faultServer((_, response) => answerJson(response, { n: 1 }));
    const directory = testDirectory();
    const file = join(directory, 'list.json');
    await holdfast(['cache', 'refresh', '-q', file, '--url', server.url]);
    writeFileSync(join(directory, 'notes.txt'), 'mine');
    const { stdout } = await holdfast(['cache', 'ls', directory]);
    expect(stdout).toMatch(/^FILE .*\nlist\.json +fresh +/);
    expect(stdout).not.toContain('notes.txt');
    expect((await holdfast(['cache', 'rm', join(directory, 'notes.txt')])).code).toBe(65);
    expect((await holdfast(['cache', 'rm', file])).code).toBe(0);
    expect((await holdfast(['cache', 'rm', file])).code).toBe(74);
    expect(readFileSync(join(directory, 'notes.txt'), 'utf8')).toBe('mine');
  });
});

test('cache get --expect, --header and --max-size', async () => {
  const server = await faultServer((request, response) =>
    answer(response, 200, { 'content-type': 'text/plain' }, String(request.headers['x-token'])),
  );
  const file = join(testDirectory(), 'f');
  const get = (...more: string[]): ReturnType<typeof holdfast> =>
    holdfast(['cache', 'get', file, '--url', server.url, ...more]);
  expect(await get('--header', 'X-Token: one')).toMatchObject({ code: 0, stdout: 'one' });
  expect(await get('--header', 'X-Token: two')).toMatchObject({ code: 0, stdout: 'two' });
  expect(await get('--expect', 'json', '--header', 'X-Token: two')).toMatchObject({ code: 20, stdout: '' });
  expect((await get('--max-size', '1', '--header', 'X-Token: three')).stderr).toContain('the limit is 1');
  const bad = await get('--header', 'hush');
  expect([bad.code, bad.stderr.includes('hush')]).toEqual([64, false]);
});
