import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { renameWithRetry } from '../../src/files/rename.js';
import { plainTempWriter } from '../../src/files/write-plain.js';
import { writeWith } from '../../src/durable/write.js';
import { testDirectory } from '../support/directory.js';
import { ManualClock } from '../support/manual-clock.js';

/** What libuv makes of ERROR_SHARING_VIOLATION. */
function violation(): Error {
  return Object.assign(new Error('EBUSY: resource busy or locked'), { code: 'EBUSY' });
}

/** A file that another program keeps open until `freeAtMs`. */
function contendedRename(clock: ManualClock, freeAtMs: number) {
  const attemptsAt: number[] = [];
  return {
    attemptsAt,
    rename: (): void => {
      attemptsAt.push(clock.now());
      if (clock.now() < freeAtMs) throw violation();
    },
    isSharingViolation: (error: unknown) => (error as { code?: string }).code === 'EBUSY',
  };
}

test('waits 50 ms, doubling up to 1 s, and succeeds once the file is free', async () => {
  const clock = new ManualClock();
  const contended = contendedRename(clock, 3_000);
  const work = renameWithRetry('a', 'b', { clock, timeoutMs: 10_000, ...contended });
  await clock.runUntilSettled(work);
  await work;
  expect(contended.attemptsAt).toEqual([0, 50, 150, 350, 750, 1_550, 2_550, 3_550]);
});

test('makes its last attempt at the deadline and never later', async () => {
  const clock = new ManualClock();
  const contended = contendedRename(clock, Infinity);
  const work = renameWithRetry('a', 'b', { clock, timeoutMs: 2_000, ...contended });
  await clock.runUntilSettled(work);
  await expect(work).rejects.toMatchObject({ code: 'EBUSY' });
  expect(contended.attemptsAt).toEqual([0, 50, 150, 350, 750, 1_550, 2_000]);
});

test('an error that is no sharing violation is not retried', async () => {
  const clock = new ManualClock();
  let attempts = 0;
  const rename = (): never => {
    attempts++;
    throw Object.assign(new Error('EXDEV'), { code: 'EXDEV' });
  };
  const { isSharingViolation } = contendedRename(clock, 0);
  await expect(renameWithRetry('a', 'b', { clock, rename, isSharingViolation })).rejects.toMatchObject({
    code: 'EXDEV',
  });
  expect(attempts).toBe(1);
});

test('EBUSY means what it says on a POSIX system: no waiting for a mount point to go away', async () => {
  const clock = new ManualClock();
  const { rename, attemptsAt } = contendedRename(clock, Infinity);
  await expect(renameWithRetry('a', 'b', { clock, rename })).rejects.toMatchObject({ code: 'EBUSY' });
  expect(attemptsAt).toEqual([0]);
});

test('the hold is checked before every attempt', async () => {
  const clock = new ManualClock();
  const contended = contendedRename(clock, Infinity);
  const check = (): void => {
    if (clock.now() >= 350) throw new Error('lost');
  };
  const work = renameWithRetry('a', 'b', { clock, check, ...contended });
  await clock.runUntilSettled(work);
  await expect(work).rejects.toThrow('lost');
  expect(contended.attemptsAt).toEqual([0, 50, 150]);
});

test('a signal ends the wait', async () => {
  const clock = new ManualClock();
  const controller = new AbortController();
  const contended = contendedRename(clock, Infinity);
  const work = renameWithRetry('a', 'b', { clock, signal: controller.signal, ...contended });
  controller.abort(new Error('enough'));
  await expect(work).rejects.toThrow('enough');
});

test('a whole write spends one budget, and leaves the old content and no temp when it runs out', async () => {
  const directory = testDirectory();
  const path = join(directory, 'f');
  writeFileSync(path, 'old');
  const clock = new ManualClock();
  const { rename, isSharingViolation, attemptsAt } = contendedRename(clock, Infinity);
  const parts = { writer: plainTempWriter, clock, rename, isSharingViolation };
  const work = writeWith(parts, path, 'new', { timeoutMs: 2_000 });
  await clock.runUntilSettled(work);
  await expect(work).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
  expect(attemptsAt.at(-1)).toBe(2_000);
  expect(readFileSync(path, 'utf8')).toBe('old');
  expect(readdirSync(directory)).toEqual(['f']);
});
