import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { inspectAll } from '../../src/locks/inspect.js';
import { inspect } from '../../src/locks/inspect.js';
import { inodesOfLockLines } from '../../src/platform/lock-lines.js';
import { LockSurvey } from '../../src/platform/lock-survey.js';
import { testDirectory } from '../support/directory.js';
import { eventually, start } from '../support/processes.js';

test('INV-SURVEY-1: what is held or waited for is never called free, in any mode, by any program', async () => {
  const directory = testDirectory();
  const paths = Array.from({ length: 40 }, (_, i) => join(directory, `${i}.lock`));
  for (const path of paths) writeFileSync(path, '');
  const held = [paths[3], paths[17]] as string[];
  start('flock', ['-x', held[0] as string, 'sleep', '300']);
  start('flock', ['-s', held[1] as string, 'sleep', '300']);
  start('flock', ['-x', held[1] as string, 'true']);
  await eventually('both are held, and one is waited for', async () => {
    const [, second] = await inspectAll(held);
    return (await inspect(held[0] as string)).isHeld && second?.waiters.length === 1;
  });
  const survey = new LockSurvey();
  const free = paths.filter((path) => survey.isSurelyFree(path));
  // All the others, unless a lock elsewhere has the same inode number.
  expect(free.filter((path) => held.includes(path))).toEqual([]);
  expect(free.length).toBeGreaterThan(20);
  // The same words as looking at each of them.
  const one = await Promise.all(paths.map((path) => inspect(path)));
  expect((await inspectAll(paths)).map(({ isHeld }) => isHeld)).toEqual(one.map(({ isHeld }) => isHeld));
});

test('a survey says nothing of directories and of what is not there', () => {
  const directory = testDirectory();
  mkdirSync(join(directory, 'd'));
  const survey = new LockSurvey();
  expect(survey.isSurelyFree(join(directory, 'd'))).toBe(false);
  expect(survey.isSurelyFree(join(directory, 'none'))).toBe(false);
});

test('every kind of line counts: holds, waits, gates, record locks and leases', () => {
  const text = [
    '1: FLOCK  ADVISORY  WRITE 4096 fe:00:11 0 EOF',
    '1: -> FLOCK  ADVISORY  WRITE 4097 fe:00:12 0 EOF',
    '2: OFDLCK ADVISORY  WRITE -1 fe:00:13 4611686018427387904 4611686018427387904',
    '3: POSIX  ADVISORY  READ 55 00:1c:14 1073741826 1073742335',
    '4: LEASE  ACTIVE    READ 55 fe:00:15 0 EOF',
    '',
  ].join('\n');
  expect([...inodesOfLockLines(text)]).toEqual(['11', '12', '13', '14', '15']);
});
