import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { tokenAfter } from '../../src/core/token.js';

describe('tokenAfter', () => {
  const last = fc.bigInt({ min: 0n, max: 2n ** 62n });
  const wallMs = fc.double({ min: 0, max: 8.6e15 / 1000, noNaN: true });

  test('is above the last token and no less than the wall clock in microseconds, whichever way the clock goes', () => {
    fc.assert(
      fc.property(last, wallMs, (before, now) => {
        const token = tokenAfter(before, now);
        expect(token).toBeGreaterThan(before - 1n);
        expect(token > before || token === BigInt(Math.floor(now * 1000))).toBe(true);
        expect(token).toBeGreaterThanOrEqual(BigInt(Math.floor(now * 1000)));
      }),
      { seed: 1 },
    );
    expect(tokenAfter(7n, 0)).toBe(8n);
    expect(tokenAfter(7n, 0.007)).toBe(8n);
    expect(tokenAfter(7n, 1)).toBe(1_000n);
  });
});
