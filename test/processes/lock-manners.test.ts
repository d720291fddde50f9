import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { run, temporaryDirectory } from './observe.js';

const program = fileURLToPath(new URL('manners.mjs', import.meta.url));

test('importing and using the package leaves handles, listeners, exit code and globals as they were', async () => {
  const other = run(process.execPath, [program, join(temporaryDirectory(), 'a.lock')]);
  await other.line();
  const { before, imported, used } = JSON.parse(await other.line());
  expect(imported).toEqual(before);
  expect(used).toEqual(before);
  expect(await other.ended).toBe(0);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s ends a holder as it ends any program, and frees the lock',
  async (signal) => {
    const path = join(temporaryDirectory(), 'a.lock');
    const other = run(process.execPath, [program, path, 'hold']);
    for (let n = 0; n < 3; n++) await other.line();
    expect(spawnSync('flock', ['-n', path, 'true']).status).toBe(1);
    other.child.kill(signal);
    expect(await other.ended).toBe(signal);
    expect(spawnSync('flock', ['-n', path, 'true']).status).toBe(0);
  },
);
