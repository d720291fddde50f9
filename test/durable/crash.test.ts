import { closeSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { fullDisk } from '../support/full-disk.js';
import { eventually, start } from '../support/processes.js';
import { testDirectory } from '../support/directory.js';
import { killWritersAtRandom, tempsIn } from './crash.js';

const REPLACER = new URL('fixtures/replacer.mjs', import.meta.url).pathname;
const VERSIONS = new URL('fixtures/versions.mjs', import.meta.url).pathname;
const READER = new URL('fixtures/reader.mjs', import.meta.url).pathname;

test('writers killed at random leave a whole version, and the next one goes on from it', async () => {
  const { temps } = await killWritersAtRandom(testDirectory(), 40);
  // Otherwise no kill hit a write, and nothing was tested.
  expect(temps).toBeGreaterThan(0);
});

test('a disk that is full at every write: readers see the old version until there is room again', async () => {
  const { directory } = fullDisk(1_000);
  const path = join(directory, 'state.json');
  const writer = start(process.execPath, [REPLACER, path, '400000']);
  await writer.line(/^2$/);
  const ballast = openSync(join(directory, 'ballast'), 'a');
  // What a finished write gives back is taken too, until nothing is left for the next one.
  await eventually('a write is refused', () => {
    fill(ballast);
    return writer.stdout().includes('refused true\n');
  });
  const reader = start(process.execPath, [READER, path, '2000']);
  expect((await reader.exited).stdout).toMatch(/^reads 2000 versions \d+\n$/);
  closeSync(ballast);
  unlinkSync(join(directory, 'ballast'));
  const refusedAt = Number(/(\d+)\nrefused/.exec(writer.stdout())?.[1]);
  await writer.line(new RegExp(`^${refusedAt + 2}$`));
  process.kill(writer.pid, 'SIGKILL');
  await writer.exited;
  expect(tempsIn(directory).length).toBeLessThanOrEqual(1);
});

function fill(file: number): void {
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096));
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
  }
}

test('four readers read 1000 times each while 100 large versions replace each other: every read is whole', async () => {
  const path = join(testDirectory(), 'f.json');
  const writer = start(process.execPath, [VERSIONS, path, '100']);
  await writer.line(/^first$/);
  const readers = Array.from({ length: 4 }, () => start(process.execPath, [READER, path, '1000']));
  for (const reader of readers)
    expect((await reader.exited).stdout).toMatch(/^reads 1000 versions (?!1\n)\d+\n$/);
  expect((await writer.exited).stdout).toBe('first\ndone\n');
});
