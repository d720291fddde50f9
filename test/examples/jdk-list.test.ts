import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { answer, closedPort, faultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const EXAMPLE = new URL('../../examples/jdk-list/', import.meta.url).pathname;
const SAMPLE = readFileSync(join(EXAMPLE, 'packages.sample.json'), 'utf8');

async function jdkList(
  file: string,
  url: string,
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = start(process.execPath, [join(EXAMPLE, 'jdk-list.mjs'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, JDK_LIST_FILE: file, JDK_LIST_URL: url },
  });
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const { code, stdout } = await child.exited;
  return { code, stdout, stderr };
}

test('ten who ask at once cost one request; later ones, and those without a network, none', async () => {
  const server = await faultServer((_, response) => {
    setTimeout(() => answer(response, 200, { 'content-type': 'application/json', etag: '"1"' }, SAMPLE), 100);
  });
  const file = join(testDirectory(), 'cache', 'packages.json');
  const many = await Promise.all(
    Array.from({ length: 10 }, () => jdkList(file, server.url, '--major', '11')),
  );
  expect(server.requests).toHaveLength(1);
  // Two vendors have two words for one architecture.
  const expected =
    /^zulu +11\.0\.15\+10 +zulu\S+x64\.dmg https:\S+\nliberica +11\S+ +\S+amd64\S+dmg .*\nliberica +11\S+ +\S+\.pkg .*\n$/;
  for (const { code, stdout, stderr } of many) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(expected);
  }
  expect(await jdkList(file, server.url, '--arch', 'aarch64')).toMatchObject({ code: 0, stderr: '' });
  expect(server.requests).toHaveLength(1);
  const refused = await jdkList(file, await closedPort(), '--refresh');
  expect(refused.code).not.toBe(0);
});

test('an answer without the list is refused, and the old list stays', async () => {
  const server = await faultServer((_, response, hit) => {
    answer(
      response,
      200,
      { 'content-type': 'application/json' },
      hit === 1 ? SAMPLE : '{"message":"maintenance"}',
    );
  });
  const file = join(testDirectory(), 'packages.json');
  await jdkList(file, server.url);
  const refresh = await jdkList(file, server.url, '--refresh');
  expect(refresh.stderr).toContain('the list of packages is missing');
  expect(await jdkList(file, server.url, '--major', '22')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('22.0.2+9'),
  });
});
