import { expect, test } from 'vitest';

import { exitCodeOf, exitCodeOfSignal } from '../../src/process/children.js';

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGKILL', 137],
  ['SIGTERM', 143],
] as const)('%s is %d', (signal, code) => {
  expect(exitCodeOfSignal(signal)).toBe(code);
  expect(exitCodeOf({ kind: 'signaled', signal: code - 128 })).toBe(code);
});

test('an exit code passes unchanged', () => {
  expect(exitCodeOf({ kind: 'exited', code: 255 })).toBe(255);
});
