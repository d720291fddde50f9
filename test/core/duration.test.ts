import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { formatDuration, parseDuration } from '../../src/core/duration.js';

describe('parseDuration', () => {
  test.each([
    ['1500ms', 1_500],
    ['5s', 5_000],
    ['2.5', 2_500],
    ['.5', 500],
    ['10m', 600_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['0', 0],
    ['infinite', Infinity],
  ])('reads %s as %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  test.each(['', ' ', '-1', '5 s', '1e3', 'NaN', 'Infinity', '5S', '1w', '0x10', '1..2'])(
    'refuses %j',
    (text) => {
      expect(() => parseDuration(text)).toThrow(RangeError);
    },
  );
});

describe('formatDuration', () => {
  test.each([
    [0, '0 ms'],
    [350, '350 ms'],
    [1_000, '1 s'],
    [1_500, '1.5 s'],
    [59_940, '59.9 s'],
    [59_960, '1 min'],
    [90_000, '1 min 30 s'],
    [3_600_000, '1 h'],
    [7_500_000, '2 h 5 min'],
    [Infinity, 'infinite'],
  ])('writes %d ms as %s', (ms, text) => expect(formatDuration(ms)).toBe(text));

  test('writes no 60 s and no 1000 ms', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0, max: 1e7, noNaN: true }),
        (ms) => !/\b60 s|\b60 min|^1000 ms/.test(formatDuration(ms)),
      ),
    );
  });
});
