import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const GREEDY = fileURLToPath(new URL('lease-greedy.mjs', import.meta.url));

test('three that take the lease again at once all get it, again and again', async () => {
  const path = join(testDirectory(), 'lock');
  const all = Array.from({ length: 3 }, () => start(process.execPath, [GREEDY, path, '60', '20000']));
  const outcomes = await Promise.all(all.map(({ exited }) => exited));
  const holds = outcomes.map(({ stdout }) => Number(/(\d+) holds/.exec(stdout)?.[1]));
  console.log(outcomes.map(({ stdout }) => stdout.replace('ready\n', '').trim()).join('; '));

  expect(Math.min(...holds)).toBeGreaterThan(Math.max(...holds) / 3);
});
