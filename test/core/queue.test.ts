import { describe, expect, test } from 'vitest';

import { backoffDelayMs } from '../../src/core/time.js';
import { Namespace } from '../../src/core/namespace.js';
import { ResourceQueue } from '../../src/core/queue.js';
import { InventedClock } from '../models/invented-clock.js';
import { ModelBackend } from '../models/model-backend.js';
import { ModelWaiter } from '../models/queue-model.js';

describe('ResourceQueue', () => {
  test('INV-QUEUE-3: a leaver who kept compatible ones from the head lets them in', () => {
    const queue = new ResourceQueue(() => undefined);
    queue.addHold('shared');
    const turns: string[] = [];
    const writer = new ModelWaiter('exclusive', () => turns.push('writer'));
    queue.join(writer);
    queue.join(new ModelWaiter('shared', () => turns.push('reader')));
    expect(turns).toEqual([]);
    expect(queue.leave(writer)).toBe(true);
    expect(turns).toEqual(['reader']);
    expect(queue.leave(writer)).toBe(false);
  });

  test('INV-QUEUE-2: a writer waits for the last reader', () => {
    const queue = new ResourceQueue(() => undefined);
    queue.addHold('shared');
    queue.addHold('shared');
    let turns = 0;
    queue.join(new ModelWaiter('exclusive', () => turns++));
    queue.removeHold('shared');
    expect(turns).toBe(0);
    queue.removeHold('shared');
    expect(turns).toBe(1);
  });

  test('nobody comes to the head in a pause', () => {
    const queue = new ResourceQueue(() => undefined);
    queue.pause();
    expect(queue.tryTakeHead('shared')).toBe(false);
    let turns = 0;
    queue.join(new ModelWaiter('shared', () => turns++));
    expect(turns).toBe(0);
    queue.resume();
    expect(turns).toBe(1);
  });
});

test('a space keeps few idle queues, and never drops one that is in use', () => {
  const namespace = new Namespace(new ModelBackend('queues'), new InventedClock());
  const used = namespace.queueFor('used');
  used.addHold('exclusive');
  for (let n = 0; n < 1_000; n++) {
    const queue = namespace.queueFor(`idle-${n}`);
    queue.addHold('exclusive');
    queue.removeHold('exclusive');
  }
  expect(namespace.existingQueue('used')).toBe(used);
  expect(namespace.existingQueue('idle-999')).toBeUndefined();
});

test('back-off doubles up to its cap, with the upper half at random', () => {
  const options = { firstMs: 20, capMs: 1_000 };
  expect([1, 2, 3, 7, 1_000].map((attempt) => backoffDelayMs(attempt, options, () => 1))).toEqual([
    20, 40, 80, 1_000, 1_000,
  ]);
  expect([1, 2, 7].map((attempt) => backoffDelayMs(attempt, options, () => 0))).toEqual([10, 20, 500]);
});
