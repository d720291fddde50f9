import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';

import { acquire, inspect, withLock } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';

afterEach(() => vi.useRealTimers());

const ADDRESSES: [kind: string, address: () => string][] = [
  ['a kernel lock', () => join(testDirectory(), 'x.lock')],
  ['a lease', () => `lease:${join(testDirectory(), 'lease')}`],
  ['memory', () => `memory:#${Math.random()}`],
];

test.each(ADDRESSES)(
  'under fake timers %s is taken, waited for and timed out in real time',
  async (_, address) => {
    const name = address();
    vi.useFakeTimers();
    const first = await acquire(name);
    const second = acquire(name);
    await expect(acquire(name, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'HOLDFAST_TIMEOUT' });
    await first.release();
    await (await second).release();
  },
);

test('a lock that waited under fake timers works after the real ones are back', async () => {
  const name = join(testDirectory(), 'x.lock');
  const holder = await acquire(name);
  vi.useFakeTimers({
    toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'hrtime', 'performance', 'Date'],
  });
  const waiting = acquire(name);
  vi.advanceTimersByTime(3_600_000);
  vi.useRealTimers();
  await holder.release();
  await (await waiting).release();
  expect(await withLock(name, () => 'held')).toBe('held');
  expect((await inspect(name)).holders).toEqual([]);
});

test('fakes that were there before the library was loaded', () => {
  const program = `
    import FakeTimers from '@sinonjs/fake-timers';
    const clock = FakeTimers.install();
    const { acquire } = await import('holdfast');
    const guard = await acquire(process.argv[1]);
    const code = await acquire(process.argv[1], { timeoutMs: 20 }).catch((error) => error.code);
    const next = acquire(process.argv[1]);
    await guard.release();
    await (await next).release();
    clock.uninstall();
    console.log(code);
  `;
  const args = ['--input-type=module', '-e', program, join(testDirectory(), 'x.lock')];
  expect(execFileSync(process.execPath, args, { encoding: 'utf8' })).toBe('HOLDFAST_TIMEOUT\n');
});
