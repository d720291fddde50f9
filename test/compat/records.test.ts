import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { decodeRecord, isOurRecord } from '../../dist/core/holder.js';
import { acquire, cleanLockFiles, inspect, tryAcquire } from '../../dist/index.js';
import { testDirectory } from '../support/directory.js';

/** Lock files as published versions leave them. They are never edited: a new form gets a new file. */
const golden = (name: string): string => fileURLToPath(new URL(`golden/${name}`, import.meta.url));

function copyOf(name: string): string {
  const path = join(testDirectory(), 'x.lock');
  copyFileSync(golden(name), path);
  return path;
}

test('a record of version 1 is read as it was written', () => {
  expect(decodeRecord(readFileSync(golden('flock-record-1.lock'), 'utf8'))).toEqual({
    pid: 4711,
    startTime: 123456,
    host: 'build-7',
    bootId: '9d1b0c1e-5a5a-4f5e-9a52-0d5f0a6b7c8d',
    pidNamespace: 4026531836,
    command: 'make -j8',
    holderId: 'abcdefghijklmnopqrst222222',
    sinceAt: '2026-11-20T18:00:00.000Z',
    reason: 'nightly',
  });
});

test('a record of a newer version is known for ours, and nothing is read out of it', () => {
  const text = readFileSync(golden('flock-record-2.lock'), 'utf8');

  expect([isOurRecord(text), decodeRecord(text)]).toEqual([true, undefined]);
});

test.each(['flock-record-1.lock', 'flock-record-2.lock'])(
  'old and new take turns on one path: %s neither holds nor hinders',
  async (name) => {
    const path = copyOf(name);
    expect(await inspect(path)).toMatchObject({ isHeld: false, holders: [] });

    const guard = await acquire(path);
    expect(await tryAcquire(path)).toBeUndefined();
    expect(readFileSync(path, 'utf8')).toMatch(new RegExp(`^${process.pid} holdfast/1\n{.*}\n$`));
    await guard.release();

    expect((await cleanLockFiles(join(path, '..'))).removed).toEqual([path]);
  },
);
