import { join } from 'node:path';
import { expect } from 'vitest';

import { lockFor } from '../../src/locks/lock.js';
import { acquire } from '../../src/locks/acquire.js';
import { readProcessStat } from '../../src/platform/process-stat.js';
import { faultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';
import { sleepsOf } from '../support/wakes.js';

const HOLDFAST = new URL('../../dist/bin/holdfast.cjs', import.meta.url).pathname;
/** How often in a second one `cache refresh` wakes while it waits `waitMs` for the lock. */
export async function wakesOfWaiting(waitMs: number): Promise<number> {
  const server = await faultServer((_, response) => response.end('{}'));
  const file = join(testDirectory(), 'list.json');
  await using _guard = await acquire(lockFor(file));
  const child = start(process.execPath, [HOLDFAST, 'cache', 'refresh', file, '--url', server.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await expect.poll(() => stderr).toContain('waiting for');
  const before = sleepsOf(child.pid);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  expect(readProcessStat(child.pid)).toBeDefined();
  const wakes = (sleepsOf(child.pid) - before) / (waitMs / 1_000);
  process.kill(child.pid, 'SIGKILL');
  return wakes;
}
