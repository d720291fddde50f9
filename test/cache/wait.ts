import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { lockFor } from '../../src/locks/lock.js';
import { acquire } from '../../src/locks/acquire.js';
import { readProcessStat } from '../../src/platform/process-stat.js';
import { faultServer } from '../support/fault-server.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const HOLDFAST = new URL('../../dist/bin/holdfast.cjs', import.meta.url).pathname;
/** USER_HZ, which Linux has fixed for user space (times(2)). */
const TICKS_PER_SECOND = 100;

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** CPU seconds that one `cache refresh` burns while it waits `waitMs` for the lock, without its start and end. */
export async function cpuOfWaiting(waitMs: number): Promise<number> {
  const server = await faultServer((_, response) => response.end('{}'));
  const file = join(testDirectory(), 'list.json');
  await using _guard = await acquire(lockFor(file));
  const child = start(process.execPath, [HOLDFAST, 'cache', 'refresh', file, '--url', server.url], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stderr = '';
  child.process.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  await expect.poll(() => stderr).toContain('waiting for');
  const before = cpuSecondsOf(child.pid);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  expect(readProcessStat(child.pid)).toBeDefined();
  const burnt = cpuSecondsOf(child.pid) - before;
  process.kill(child.pid, 'SIGKILL');
  console.log(
    `a wait of ${waitMs / 1_000} s for the lock of a cache: ${burnt.toFixed(2)} s of processor time`,
  );
  return burnt;
}
