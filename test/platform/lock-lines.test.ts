import { expect, test } from 'vitest';

import { parseLockLines } from '../../src/platform/lock-lines.js';

const GATE = '4611686018427387904';

test('holders and the waiters nested below them are told apart', () => {
  const text = [
    '1: FLOCK  ADVISORY  WRITE 3552 fe:00:2146328 0 EOF',
    '1: -> FLOCK  ADVISORY  READ 3600 fe:00:2146328 0 EOF',
    '1:  -> FLOCK  ADVISORY  WRITE 3601 00:27:9 0 EOF',
    '',
  ].join('\n');
  expect(parseLockLines(text)).toEqual([
    { kind: 'flock', isWaiter: false, mode: 'exclusive', pid: 3552, key: '254:0:2146328' },
    { kind: 'flock', isWaiter: true, mode: 'shared', pid: 3600, key: '254:0:2146328' },
    { kind: 'flock', isWaiter: true, mode: 'exclusive', pid: 3601, key: '0:39:9' },
  ]);
});

test('an OFD lock counts only on the gate byte, and names nobody', () => {
  const text = [
    `1: OFDLCK ADVISORY  WRITE -1 fe:00:7 ${GATE} ${GATE}`,
    `1: -> OFDLCK ADVISORY  READ -1 fe:00:7 ${GATE} ${GATE}`,
    '2: OFDLCK ADVISORY  WRITE -1 fe:00:7 0 EOF',
    '3: OFDLCK ADVISORY  WRITE -1 fe:00:7 4611686018427387903 4611686018427387903',
    `4: OFDLCK ADVISORY  WRITE -1 fe:00:7 ${GATE} EOF`,
  ].join('\n');
  expect(parseLockLines(text)).toEqual([
    { kind: 'gate', isWaiter: false, mode: 'exclusive', pid: undefined, key: '254:0:7' },
    { kind: 'gate', isWaiter: true, mode: 'shared', pid: undefined, key: '254:0:7' },
  ]);
});

test('fdinfo lines read the same; pid 0 is nobody', () => {
  const text = 'pos:\t0\nflags:\t0100000\nlock:\t1: FLOCK  ADVISORY  WRITE 0 fe:00:7 0 EOF\n';
  expect(parseLockLines(text)).toEqual([
    { kind: 'flock', isWaiter: false, mode: 'exclusive', pid: undefined, key: '254:0:7' },
  ]);
});

test.each([
  '1: POSIX  ADVISORY  WRITE 3202 fe:00:402116 0 EOF',
  '1: LEASE  ACTIVE    READ 3202 fe:00:402116 0 EOF',
  '1: FLOCK  ADVISORY  WRITE 3552 fe:00',
  '',
])('%j is not ours', (line) => {
  expect(parseLockLines(line)).toEqual([]);
});
