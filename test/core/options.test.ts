import { describe, expect, test } from 'vitest';

import {
  DEFAULT_TIMEOUT_MS,
  mergeOptions,
  resolveOptions,
  type LockOptions,
} from '../../src/core/options.js';

describe('options', () => {
  test('have the documented defaults', () => {
    expect(resolveOptions({}, false)).toMatchObject({
      mode: 'exclusive',
      timeout: { ms: DEFAULT_TIMEOUT_MS, source: 'default' },
      fencing: false,
      record: true,
      leaseDurationMs: 30_000,
    });
  });

  test('a lease lengthens the default timeout to two of it, and nothing else', () => {
    expect(resolveOptions({ leaseDurationMs: 60_000 }, true).timeout.ms).toBe(120_000);
    expect(resolveOptions({ leaseDurationMs: 5_000 }, true).timeout.ms).toBe(30_000);
    expect(resolveOptions({ leaseDurationMs: 60_000 }, false).timeout.ms).toBe(30_000);
    expect(resolveOptions({ leaseDurationMs: 60_000, timeoutMs: 1 }, true).timeout.ms).toBe(1);
  });

  test.each([-1, NaN, -Infinity])('timeoutMs %d is a RangeError', (timeoutMs) => {
    expect(() => resolveOptions({ timeoutMs }, false)).toThrow(RangeError);
  });

  test.each([0, 0.5, Infinity])('timeoutMs %d is fine', (timeoutMs) => {
    expect(resolveOptions({ timeoutMs }, false)).toMatchObject({
      timeout: { ms: timeoutMs, source: 'timeoutMs' },
    });
  });

  test.each([0, 999, 86_400_001, NaN])('leaseDurationMs %d is a RangeError', (leaseDurationMs) => {
    expect(() => resolveOptions({ leaseDurationMs }, true)).toThrow(RangeError);
  });

  test.each([{ mode: 'write' }, { reason: 'two\nlines' }, { reason: 7 }])('%j is a TypeError', (options) => {
    expect(() => resolveOptions(options as unknown as LockOptions, false)).toThrow(TypeError);
  });

  test('those of the call win over those of the lock', () => {
    const merged = mergeOptions({ mode: 'shared', timeoutMs: 1 }, { timeoutMs: 2 }, false);
    expect(merged).toMatchObject({ mode: 'shared', timeout: { ms: 2 } });
  });
});
