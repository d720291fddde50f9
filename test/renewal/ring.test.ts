import fc from 'fast-check';
import { expect, test } from 'vitest';

import { OrderRing } from '../../src/renewal/ring.js';

test('what was written is read once, whole and in order, however often the ring goes round', () => {
  const order = fc.oneof(
    { weight: 5, arbitrary: fc.string({ unit: 'grapheme', maxLength: 40 }) },
    { weight: 2, arbitrary: fc.nat(60_000).map((length) => 'ä'.repeat(length)) },
  );
  const step = fc.oneof({ weight: 4, arbitrary: order }, { weight: 1, arbitrary: fc.constant(undefined) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const writer = new OrderRing();
      const reader = new OrderRing(writer.memory);
      const written: string[] = [];
      const read: string[] = [];
      for (const text of steps) {
        if (text === undefined) read.push(...reader.readAll());
        else if (writer.tryWrite(text)) written.push(text);
      }
      read.push(...reader.readAll());
      expect(read).toEqual(written);
      expect(reader.readAll()).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test('a full ring refuses, and takes orders again once it was read', () => {
  const ring = new OrderRing();
  let count = 0;
  while (ring.tryWrite('x'.repeat(1_000))) count++;
  expect(count).toBeGreaterThan(200);
  expect(ring.readAll()).toHaveLength(count);
  for (let round = 0; round < 1_000; round++) {
    expect(ring.tryWrite(`order ${round}`)).toBe(true);
    expect(ring.readAll()).toEqual([`order ${round}`]);
  }
});
