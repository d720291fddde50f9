import { expect, test } from 'vitest';

import { waitInKernel } from '../../../src/backends/flock/kernel-wait.js';
import type { NativeAddon } from '../../../src/platform/native-contract.js';
import { ManualClock } from '../../support/manual-clock.js';

/** A wait whose thread is ours to end. */
function waiting() {
  const clock = new ManualClock();
  const canceled: number[] = [];
  const settles: ((result: number) => void)[] = [];
  const abort = new AbortController();
  const native = { cancelWait: (id: number) => void canceled.push(id) } as unknown as NativeAddon;
  const outcome = waitInKernel(native, clock, abort.signal, {
    start: (settle) => settles.push(settle),
    finish: (result) => {
      if (result < 0) throw new Error(`errno ${-result}`);
      return result === 0 ? undefined : result;
    },
  });
  outcome.catch(() => undefined);
  return { clock, canceled, settles, abort, outcome };
}

test('resolves with what the wait came to, and starts again where there is no answer yet', async () => {
  const { settles, outcome } = waiting();
  settles[0]?.(0);
  expect(settles).toHaveLength(2);
  settles[1]?.(7);
  expect(await outcome).toBe(7);
});

test('rejects with what the wait failed with', async () => {
  const { settles, outcome } = waiting();
  settles[0]?.(-2);
  await expect(outcome).rejects.toThrow('errno 2');
});

test('a wait that is canceled rejects when its thread is done, whatever that came to', async () => {
  const { abort, canceled, settles, outcome } = waiting();
  abort.abort('over');
  expect(canceled).toEqual([1]);
  settles[0]?.(7);
  await expect(outcome).rejects.toBe('over');
});

test('a thread that no signal reaches does not keep its caller', async () => {
  const { abort, clock, settles, outcome } = waiting();
  abort.abort('over');
  await clock.runUntilSettled(outcome);
  await expect(outcome).rejects.toBe('over');
  settles[0]?.(7);
  expect(settles).toHaveLength(1);
});
