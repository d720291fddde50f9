import { expect, test } from 'vitest';

import {
  isProcOurs,
  isZombie,
  listPids,
  parseProcessStat,
  readProcessStat,
} from '../../src/platform/process-stat.js';

const AFTER_NAME = 'S 10 20 30 34816 40 0 0 0 0 0 0 0 0 0 20 0 3 0 5555 0 0';

test.each(['sh', 'a) S 1 (b', 'two\nlines', ''])('a process named %j does not confuse the fields', (name) => {
  expect(parseProcessStat(`77 (${name}) ${AFTER_NAME}\n`)).toEqual({
    pid: 77,
    name,
    state: 'S',
    parentPid: 10,
    processGroup: 20,
    session: 30,
    terminalGroup: 40,
    threadCount: 3,
    startTime: 5555,
  });
});

test.each(['', 'nonsense', '12 (sh', '12 (sh) S 1'])('%j is no stat line', (text) => {
  expect(parseProcessStat(text)).toBeUndefined();
});

test('a dead main thread with living siblings is no zombie', () => {
  const stat = parseProcessStat(`77 (sh) ${AFTER_NAME}`);
  expect(stat).toBeDefined();
  if (stat === undefined) return;
  expect(isZombie({ ...stat, state: 'Z', threadCount: 2 })).toBe(false);
  expect(isZombie({ ...stat, state: 'Z', threadCount: 1 })).toBe(true);
  expect(isZombie(stat)).toBe(false);
});

test('the own process is read as the kernel knows it', () => {
  const stat = readProcessStat('self');
  expect(stat?.pid).toBe(process.pid);
  expect(stat?.parentPid).toBe(process.ppid);
  expect(listPids()).toContain(process.pid);
  expect(isProcOurs()).toBe(true);
});

test('a pid that cannot exist reads as undefined', () => {
  expect(readProcessStat(2 ** 30)).toBeUndefined();
});
