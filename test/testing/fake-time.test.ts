import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';

import { acquire, withLock } from '../../src/index.js';
import { fakeTime, type FakeTime } from '../../src/testing/fake-time.js';
import { testDirectory } from '../support/directory.js';

let time: FakeTime | undefined;
afterEach(() => time?.restore());

const locks = [
  ['memory', () => 'memory:#fake-time'],
  ['flock', () => join(testDirectory(), 'x.lock')],
] as const;

describe.each(locks)('fake time and %s', (_name, addressOf) => {
  test('a timeout comes when the test lets its time pass, and not before', async () => {
    const address = addressOf();
    const held = await acquire(address);
    time = fakeTime();
    const waiting = acquire(address, { timeoutMs: 60_000 }).catch(({ code }: { code: string }) => code);

    await time.advance(59_999);
    expect(await Promise.race([waiting, Promise.resolve('waits')])).toBe('waits');
    await time.advance(1);
    // The holder is looked up within fake time of its own, by code that is loaded in real time.
    let isAnswered = false;
    void waiting.then(() => (isAnswered = true));
    while (!isAnswered) await time.advance(1_000);

    expect(await waiting).toBe('HOLDFAST_TIMEOUT');
    await held.release();
  });

  test('a grant needs no time', async () => {
    const address = addressOf();
    time = fakeTime();
    const held = await acquire(address);
    const waiting = acquire(address);
    await held.release();
    await (await waiting).release();
    expect(await withLock(address, () => time?.elapsedMs)).toBe(0);
  });
});

test('progress is told once a second of it', async () => {
  const held = await acquire('memory:#progress');
  time = fakeTime();
  const seen: string[] = [];
  const waiting = acquire('memory:#progress', {
    onWait: ({ type, waitedMs }) => seen.push(`${type} ${waitedMs}`),
  });

  await time.advance(2_500);
  await held.release();
  await (await waiting).release();

  expect(seen).toEqual(['started 0', 'progress 1000', 'progress 2000', 'acquired 2500']);
});

test('there is one at a time, and real time afterwards', async () => {
  time = fakeTime();
  expect(() => fakeTime()).toThrow('replaced already');
  time.restore();

  const held = await acquire('memory:#real');
  await expect(acquire('memory:#real', { timeoutMs: 20 })).rejects.toMatchObject({
    code: 'HOLDFAST_TIMEOUT',
  });
  await held.release();
});

test('a wait that was left behind in fake time keeps no wait of real time', async () => {
  const held = await acquire('memory:#left');
  time = fakeTime();
  const left = acquire('memory:#left', { timeoutMs: 40 });
  await time.advance(0);
  time.restore();

  const later = acquire('memory:#left', { timeoutMs: 40 }).catch(({ code }: { code: string }) => code);
  expect(await later).toBe('HOLDFAST_TIMEOUT');
  await held.release();
  await (await left).release();
});
