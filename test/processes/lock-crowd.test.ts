import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { run, temporaryDirectory } from './observe.js';

const crowd = fileURLToPath(new URL('crowd.mjs', import.meta.url));

interface Report {
  readonly rounds: readonly { isInOrder: boolean; granted: number; gaveUp: number; threads: number }[];
  readonly before: { fd: number; task: number };
  readonly after: { fd: number; task: number };
}

test('INV-FLOCK-6: 1000 callers of one process, half of whom give up, are served in order and leave nothing behind', async () => {
  const other = run(process.execPath, [crowd, join(temporaryDirectory(), 'a.lock'), '20']);
  const { rounds, before, after } = JSON.parse(await other.line()) as Report;
  expect(rounds).toHaveLength(20);
  for (const { isInOrder, granted, gaveUp, threads } of rounds) {
    expect(isInOrder).toBe(true);
    expect(gaveUp).toBeGreaterThan(300);
    expect(granted).toBeGreaterThan(200);
    // One waits in the kernel for all of them; its thread may not have gone yet when the next is asked.
    expect(threads).toBeLessThanOrEqual(before.task + 1);
  }
  expect(after).toEqual(before);
});
