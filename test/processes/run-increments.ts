import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startScript } from '../support/holdfast.js';

const PROCESSES = 8;

/** Shells that each add one to a file `rounds` times, under `run`, while `clean` removes the lock file again and again. */
export async function raceIncrements(rounds: number): Promise<void> {
  const directory = testDirectory();
  writeFileSync(join(directory, 'count'), '0');
  const increment = 'read n <count; echo $((n + 1)) >count';
  const worker = `for i in $(seq ${rounds}); do $H run c.lock -- sh -c '${increment}' || exit 1; done`;
  const cleaner = startScript(directory, 'while :; do $H clean; done');
  const workers = Array.from({ length: PROCESSES }, () =>
    startScript(directory, worker, { stdio: 'ignore' }),
  );
  const codes = await Promise.all(workers.map(async ({ outcome }) => (await outcome).code));
  expect(codes).toEqual(workers.map(() => 0));
  expect(readFileSync(join(directory, 'count'), 'utf8').trim()).toBe(String(PROCESSES * rounds));
  expect(cleaner.child.stdout()).toMatch(/^removed 1 lock file$/m);
}
