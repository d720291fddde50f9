import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { testDirectory } from '../directory.js';
import { eventually, isGone, start, type TestChild } from '../processes.js';

const VITEST = fileURLToPath(new URL('../../../node_modules/vitest/vitest.mjs', import.meta.url));
const CONFIG = fileURLToPath(new URL('fixtures/vitest.config.ts', import.meta.url));

interface Report {
  readonly worker: number;
  readonly left: readonly number[];
  readonly directory: string;
}

async function startRun(
  how: 'hook' | 'wait' | 'end',
): Promise<{ run: TestChild; report: Report; temporary: string }> {
  const [file, temporary] = [join(testDirectory(), 'report'), testDirectory()];
  const env = { ...process.env, LEAVING: how, LEAVING_REPORT: file, TMPDIR: temporary };
  const run = start(process.execPath, [VITEST, 'run', '--config', CONFIG], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const report = await eventually('the worker has left processes', () => {
    const text = existsSync(file) ? readFileSync(file, 'utf8') : '';
    return text === '' ? undefined : (JSON.parse(text) as Report);
  });
  return { run, report, temporary };
}

/** Every one, and what those started: sleeps in sessions of their own. */
async function nothingIsLeft({ left, directory }: Report): Promise<void> {
  await eventually('what the tests started is gone', () => left.every(isGone));
  await eventually('and so is its directory', () => !existsSync(directory));
}

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'when vitest ends by %s, so does everything that its tests started',
  async (signal) => {
    const { run, report, temporary } = await startRun('wait');
    process.kill(run.pid, signal);
    await nothingIsLeft(report);
    await eventually('the worker is gone', () => isGone(report.worker));
    await eventually('the directory of the run is gone', () => readdirSync(temporary).length === 0);
  },
);

test('when a worker is killed, so is everything that it started', async () => {
  const { run, report } = await startRun('wait');
  process.kill(report.worker, 'SIGKILL');
  await nothingIsLeft(report);
  await run.exited;
});

test.each(['hook', 'end'] as const)('nothing is left when a file ends (%s)', async (how) => {
  const { run, report } = await startRun(how);
  const { code } = await run.exited;
  expect(code).toBe(how === 'hook' ? 1 : 0);
  await nothingIsLeft(report);
});
