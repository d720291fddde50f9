import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterEach, expect, test, vi } from 'vitest';

import { bootClock, clockOver, sleep, systemClock } from '../../src/platform/clock.js';
import type { Clock } from '../../src/core/time.js';
import { bundleSource } from '../support/bundle.js';
import { start } from '../support/processes.js';

afterEach(() => {
  vi.useRealTimers();
});

test('now is monotonic and runs on while we wait', async () => {
  const before = systemClock.now();
  await sleep(20);
  expect(systemClock.now() - before).toBeGreaterThanOrEqual(19);
});

test('wallNow counts from 1970', () => {
  const before = Date.now();
  const now = systemClock.wallNow();
  expect(now).toBeGreaterThanOrEqual(before);
  expect(now).toBeLessThanOrEqual(Date.now());
});

/** Over the fakes of this test. */
function fakeClock(): Clock {
  vi.useFakeTimers();
  const { hrtime } = process;
  return clockOver({ setTimeout, clearTimeout, setImmediate, hrtime, Date });
}

test('a timer beyond 2^31 ms fires at its time and not before', () => {
  const clock = fakeClock();
  const thirtyDaysMs = 30 * 24 * 3600 * 1000;
  const fired = vi.fn();
  clock.setTimer(thirtyDaysMs, fired);
  vi.advanceTimersByTime(thirtyDaysMs - 10);
  expect(fired).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10);
  expect(fired).toHaveBeenCalledTimes(1);
});

test('an infinite timer never fires and can be cleared', () => {
  const clock = fakeClock();
  const fired = vi.fn();
  const timer = clock.setTimer(Infinity, fired);
  vi.advanceTimersByTime(2 ** 32);
  expect(vi.getTimerCount()).toBe(1);
  timer.clear();
  expect(vi.getTimerCount()).toBe(0);
  expect(fired).not.toHaveBeenCalled();
});

test('a chained timer can be cleared after its first link', () => {
  const clock = fakeClock();
  const fired = vi.fn();
  const timer = clock.setTimer(2 ** 32, fired);
  vi.advanceTimersByTime(2 ** 31);
  timer.clear();
  vi.advanceTimersByTime(2 ** 33);
  expect(fired).not.toHaveBeenCalled();
});

test.each([
  [false, 'ended'],
  [true, 'fired'],
])('keepsProcessAlive %s: the process prints "%s"', async (keepsProcessAlive, expected) => {
  const clock = await bundleSource('platform/clock.ts');
  const script = `
    const { systemClock } = require(${JSON.stringify(clock)});
    let hasFired = false;
    systemClock.setTimer(300, () => { hasFired = true; }, { keepsProcessAlive: ${keepsProcessAlive} });
    process.on('exit', () => console.log(hasFired ? 'fired' : 'ended'));`;
  const child = start(process.execPath, ['-e', script]);
  expect((await child.exited).stdout.trim()).toBe(expected);
});

test('yieldTurn runs later, after the microtasks', async () => {
  const order: string[] = [];
  await new Promise<void>((resolve) => {
    systemClock.yieldTurn(() => {
      order.push('turn');
      resolve();
    });
    void Promise.resolve().then(() => order.push('microtask'));
    order.push('now');
  });
  expect(order).toEqual(['now', 'microtask', 'turn']);
});

test('sleep rejects with the reason of its signal, at once and when already aborted', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  const sleeping = sleep(60_000, controller.signal);
  controller.abort(reason);
  await expect(sleeping).rejects.toBe(reason);
  await expect(sleep(60_000, controller.signal)).rejects.toBe(reason);
});

test('bootClock without the addon agrees with the kernel and counts suspend', () => {
  const clock = bootClock();
  const kernelMs = (): number => Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1000;
  expect(clock.countsSuspend).toBe(true);
  const before = kernelMs();
  const now = clock.now();
  expect(now).toBeGreaterThanOrEqual(before);
  // The file counts in hundredths of a second.
  expect(now).toBeLessThanOrEqual(kernelMs() + 10);
});

test('bootClock prefers the addon', () => {
  expect(bootClock({ bootTimeMs: () => 1234.5 }).now()).toBe(1234.5);
});

test.runIf(process.platform === 'linux')(
  'bootClock without the addon goes on when the process has run out of descriptors',
  () => {
    const module = new URL('../../dist/platform/clock.js', import.meta.url).href;
    const code = `
      import { openSync } from 'node:fs';
      import { bootClock } from ${JSON.stringify(module)};
      const clock = bootClock();
      const before = clock.now();
      let errno;
      try { for (;;) openSync('/dev/null', 'r'); } catch (error) { errno = error.code; }
      process._rawDebug(errno, clock.now() - before);`;
    const script = 'ulimit -n 100; exec "$0" --input-type=module -e "$1"';
    const { stderr } = spawnSync('sh', ['-c', script, process.execPath, code], { encoding: 'utf8' });
    const [, errno, passedMs] = /^(\S+) (-?[\d.]+)$/m.exec(stderr) ?? [];
    expect(errno).toBe('EMFILE');
    expect(Number(passedMs)).toBeGreaterThanOrEqual(0);
  },
);
