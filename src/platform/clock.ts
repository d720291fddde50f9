import { closeSync, openSync, readSync } from 'node:fs';
import { uptime } from 'node:os';

import type { Clock, Timer, TimerOptions } from '../core/time.js';

/** Node turns a longer delay into 1 ms (a signed 32-bit field), so longer ones are chained. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The function behind a fake one. The fakes of vitest, jest and sinon (@sinonjs/fake-timers) keep what they replace on
 * their clock, so that real time is found also when they were installed first.
 */
function real<T>(found: T, name: string): T {
  const fake = (found as { readonly clock?: Readonly<Record<string, unknown>> }).clock;
  const original = fake?.[`_${name}`] as T | undefined;
  return original === undefined ? found : real(original, name);
}

/** What Node counts time with. */
export interface TimeFunctions {
  readonly setTimeout: typeof setTimeout;
  readonly clearTimeout: typeof clearTimeout;
  readonly setImmediate: typeof setImmediate;
  readonly hrtime: typeof process.hrtime;
  readonly Date: DateConstructor;
}

// Taken once: a test that fakes time fakes its own, not how long a lock waits.
const REAL_TIME: TimeFunctions = {
  setTimeout: real(setTimeout, 'setTimeout'),
  clearTimeout: real(clearTimeout, 'clearTimeout'),
  setImmediate: real(setImmediate, 'setImmediate'),
  hrtime: real(process.hrtime, 'hrtime'),
  Date: real(Date, 'Date'),
};

/** The real clock. `now()` stands still while the machine is suspended; see {@link bootClock}. */
export const systemClock = clockOver(REAL_TIME);

const REAL_CLOCK: Clock = { ...systemClock };

/** Ends what {@link replaceClock} began; `real` is the clock that was replaced. */
export interface RestoreClock {
  (): void;
  readonly real: Clock;
}

/**
 * Replaces the clock of this thread, for tests: see `fakeTime` of holdfast/testing.
 *
 * @throws Error while it is replaced already.
 */
export function replaceClock(make: (real: Clock) => Clock): RestoreClock {
  if (systemClock.now !== REAL_CLOCK.now) throw new Error('The clock is replaced already: restore it first.');
  const fake = make(REAL_CLOCK);
  Object.assign(systemClock, fake);
  const restore = (): void => {
    if (systemClock.now === fake.now) Object.assign(systemClock, REAL_CLOCK);
  };
  return Object.assign(restore, { real: REAL_CLOCK });
}

export function clockOver(time: TimeFunctions): Clock {
  /** Not `performance.now()`: the first touch of that loads 0.6 ms of modules, and each call costs half as much again. */
  const now = (): number => {
    const [seconds, nanoseconds] = time.hrtime();
    return seconds * 1_000 + nanoseconds / 1e6;
  };
  return {
    now,
    wallNow: () => time.Date.now(),
    setTimer: (delayMs, fn, options) => startTimer(time, now, { delayMs, fn, ...options }),
    yieldTurn: (fn) => void time.setImmediate(fn),
  };
}

function startTimer(
  { setTimeout: start, clearTimeout: stop }: TimeFunctions,
  now: () => number,
  { delayMs, fn, keepsProcessAlive }: TimerOptions & { readonly delayMs: number; readonly fn: () => void },
): Timer {
  const deadline = now() + delayMs;
  let timeout: NodeJS.Timeout;
  const arm = (restMs: number): void => {
    timeout = start(
      () => {
        const leftMs = deadline - now();
        // Below a millisecond it is the timer's own rounding, not a chained delay.
        if (leftMs >= 1) arm(leftMs);
        else fn();
      },
      Math.min(Math.ceil(restMs), LONGEST_TIMEOUT_MS),
    );
    if (keepsProcessAlive === false) timeout.unref();
  };
  arm(delayMs);
  return { clear: () => stop(timeout) };
}

/** Monotonic milliseconds that compare between the processes of one host; see clock_gettime(2), CLOCK_MONOTONIC. */
export function hostNow(): number {
  return Number(REAL_TIME.hrtime.bigint()) / 1e6;
}

/**
 * Resolves after `delayMs` (0 to Infinity); rejects with `signal.reason` as soon as `signal` aborts. Keeps the
 * process alive meanwhile.
 */
export function sleep(delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      timer.clear();
      reject(signal?.reason as Error);
    };
    const timer = systemClock.setTimer(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Milliseconds since this process was started. */
export function processAgeMs(): number {
  return process.uptime() * 1_000;
}

/** Monotonic milliseconds since boot. */
export interface BootClock {
  now(): number;
  /** `false`: it stands still while the machine is suspended, so it measures too little, never too much. */
  readonly countsSuspend: boolean;
  /** Steps of this size; 10 where /proc/uptime is the source. */
  readonly resolutionMs: number;
}

/**
 * The best clock here that counts suspend, for times that outlive a process. `native` is the addon, where it
 * could be loaded; Linux needs none (/proc/uptime is CLOCK_BOOTTIME, time namespace included).
 * macOS without the addon has no such clock: its uptime follows the wall clock, so it is not used.
 */
export function bootClock(native?: { bootTimeMs(): number }): BootClock {
  if (native !== undefined) return { now: () => native.bootTimeMs(), countsSuspend: true, resolutionMs: 0 };
  const uptimeMs = process.platform === 'linux' ? openProcUptime() : undefined;
  if (uptimeMs !== undefined) return { now: uptimeMs, countsSuspend: true, resolutionMs: 10 };
  if (process.platform === 'win32') {
    return { now: () => uptime() * 1000, countsSuspend: true, resolutionMs: 16 };
  }
  // Not performance.now(): its origin differs from thread to thread.
  return { now: () => systemClock.now(), countsSuspend: false, resolutionMs: 0 };
}

/**
 * Kept open: a process that has run out of descriptors must still be able to know when its lease ends, and there is no
 * other clock to put in its place, because another one has another origin.
 */
function openProcUptime(): (() => number) | undefined {
  let fd: number;
  try {
    fd = openSync('/proc/uptime', 'r');
  } catch {
    return undefined;
  }
  const text = Buffer.alloc(64);
  const read = (): number => {
    const length = readSync(fd, text, 0, text.length, 0);
    return Math.round(Number.parseFloat(text.toString('latin1', 0, length)) * 1_000);
  };
  if (Number.isFinite(read())) return read;
  closeSync(fd);
  return undefined;
}
