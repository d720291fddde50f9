import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { endStarted, startedLine } from '../../src/process/git/started.js';
import { testDirectory } from '../support/directory.js';
import { eventually, isGone, startShell } from '../support/processes.js';

test('what a killed command left is asked to end, and has time to take its lock files along', async () => {
  const [ready, cleaned] = ['ready', 'cleaned'].map((name) => join(testDirectory(), name)) as [
    string,
    string,
  ];
  const script = `trap 'sleep 0.5; touch ${cleaned}; exit' TERM; touch ${ready}; while :; do sleep 0.05; done`;
  const { pid } = startShell(script, { detached: true });
  await eventually('it listens', () => existsSync(ready));
  await endStarted(startedLine(pid));
  expect(isGone(pid)).toBe(true);
  expect(existsSync(cleaned)).toBe(true);
});
