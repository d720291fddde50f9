import { linkSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { expect, test } from 'vitest';

import { inspectAll } from '../../src/locks/inspect.js';
import { inspect } from '../../src/locks/inspect.js';
import { inodesOfLockLines } from '../../src/platform/lock-lines.js';
import { LockSurvey } from '../../src/platform/lock-survey.js';
import { LOCK_SHARED } from '../../src/platform/native-contract.js';
import { loadNative } from '../../src/platform/native.js';
import { compiledTree, patchedFolder } from '../models/patched-folder.js';
import { modelRuns } from '../models/runs.js';
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

/** Locks a few of many files, by the kernel and in both modes, and surveys them. */
function surveyed(create: () => Pick<LockSurvey, 'isSurelyFree'>) {
  const directory = testDirectory();
  const native = loadNative();
  const paths = Array.from({ length: 12 }, (_, i) => join(directory, `${i}.lock`));
  for (const path of paths) writeFileSync(path, '');
  const kinds = fc.array(fc.constantFrom('free', 'free', 'exclusive', 'shared', 'linked'), {
    minLength: 12,
    maxLength: 12,
  });
  return fc.property(kinds, (all) => {
    const links: string[] = [];
    const handles = all.flatMap((kind, i) => {
      if (kind === 'free') return [];
      const path = paths[i] as string;
      if (kind === 'linked') links.push(linked(path));
      return [native.tryLock(path, kind === 'shared' ? LOCK_SHARED : 0, 0o600, undefined)];
    });
    try {
      const survey = create();
      const held = [...paths.filter((_, i) => all[i] !== 'free'), ...links];
      const wrong = held.find((path) => survey.isSurelyFree(path));
      if (wrong !== undefined) throw new Error(`${wrong} is held, and called free`);
    } finally {
      for (const handle of handles) native.unlock(handle);
      for (const link of links) unlinkSync(link);
    }
  });
}

/** Another name of the file. */
function linked(path: string): string {
  linkSync(path, `${path}.link`);
  return `${path}.link`;
}

test('INV-SURVEY-1: under any of many locks, by any name of the file', () => {
  fc.assert(
    surveyed(() => new LockSurvey()),
    modelRuns(100),
  );
});

test.each<[string, readonly [string, string]]>([
  ['does not look into the table', ['inodes.has(String(status.ino))', 'false']],
  ['looks once for all', ['#inodes = readInodes()', '#inodes = (globalThis.surveyed ??= readInodes())']],
])('the model finds a survey that %s', async (_, patch) => {
  const { LockSurvey: Mutant } = await patchedFolder(
    compiledTree(),
    ['platform', 'lock-survey.js'],
    patch,
  )<{
    LockSurvey: typeof LockSurvey;
  }>('lock-survey.js');
  const failure = fc.check(
    surveyed(() => new Mutant()),
    { seed: 1, numRuns: 500 },
  );
  expect(String(failure.errorInstance)).toMatch(/called free/);
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
