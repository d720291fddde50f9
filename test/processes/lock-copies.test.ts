import { cpSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { expect, test } from 'vitest';

import * as here from '../../dist/index.js';
import { temporaryDirectory } from './observe.js';

type Holdfast = typeof here;

const ROOT = new URL('../../', import.meta.url);

/** The package installed a second time, as two dependencies of one program may bring it along. */
async function secondCopy(): Promise<Holdfast> {
  const folder = temporaryDirectory();
  for (const part of ['package.json', 'dist', 'prebuilds']) {
    cpSync(new URL(part, ROOT), join(folder, part), { recursive: true });
  }
  return (await import(/* @vite-ignore */ pathToFileURL(join(folder, 'dist/index.js')).href)) as Holdfast;
}

test('INV-MEM-4: two copies of the package in one process exclude each other, on files and in memory', async () => {
  const there = await secondCopy();
  expect(there.acquire).not.toBe(here.acquire);
  for (const address of [join(temporaryDirectory(), 'a.lock'), 'memory:#between-copies']) {
    const guard = await here.acquire(address);
    expect(await there.tryAcquire(address)).toBeUndefined();
    const waiting = there.acquire(address, { timeoutMs: Infinity });
    await guard.release();
    const next = await waiting;
    expect(await here.tryAcquire(address)).toBeUndefined();
    await next.release();
    await (await here.acquire(address)).release();
  }
});

test('an error of one copy is an error to the other; a Lock of one is a Lock to the other', async () => {
  const there = await secondCopy();
  const path = join(temporaryDirectory(), 'a.lock');
  const guard = await here.acquire(path);
  const lock = there.createLock(path, { timeoutMs: 0 });
  const error: unknown = await here.acquire(lock).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(here.LockError);
  expect(error).not.toBeInstanceOf(there.LockError);
  expect(there.isLockError(error)).toBe(true);
  expect(here.isLockError(new Error('HOLDFAST_TIMEOUT'))).toBe(false);
  await guard.release();
});

test('a data file has one lock, whichever copy asks', async () => {
  const there = await secondCopy();
  const data = join(temporaryDirectory(), 'state.json');
  await here.withWriteLock(data, async () => {
    await expect(there.withReadLock(data, { timeoutMs: 0 }, () => 'in')).rejects.toMatchObject({
      code: 'HOLDFAST_CONTENDED',
    });
  });
});
