import { expect, test } from 'vitest';

import { FirstSeen, firstSeenPath, type Timeline } from '../../src/platform/first-seen.js';
import { stateDirectory } from '../../src/platform/user-directories.js';
import { bundleSource } from '../support/bundle.js';
import { start } from '../support/processes.js';

const at = (now: number, difference: Partial<Timeline> = {}): Timeline => ({
  bootId: 'boot',
  timeNamespace: 1,
  now: () => now,
  ...difference,
});

function stored(timeline = at(1_000)): string {
  const table = new FirstSeen(timeline, undefined);
  table.note('key', 'value');
  return table.text();
}

test('a later table of the same timeline goes on from an earlier one', () => {
  const table = new FirstSeen(at(3_000), stored());
  expect(table.since('key', 'value')).toBe(1_000);
  expect(table.unchangedMs('key', 'value')).toBe(2_000);
  expect(table.note('key', 'value')).toBe(1_000);
  expect(table.isChanged).toBe(false);
});

test('another value starts over, and one that comes back does too', () => {
  const table = new FirstSeen(at(3_000), stored());
  expect(table.note('key', 'other')).toBe(3_000);
  expect(table.since('key', 'value')).toBeUndefined();
  expect(table.note('key', 'value')).toBe(3_000);
});

test('where values never recur several are kept, and the oldest goes first', () => {
  const table = new FirstSeen(at(1), undefined, 2);
  for (const [value, seenAt] of [
    ['a', 1],
    ['b', 2],
    ['c', 3],
  ] as const)
    table.note('key', value, seenAt);
  expect(['a', 'b', 'c'].map((value) => table.since('key', value))).toEqual([undefined, 2, 3]);
});

test.each<[string, Partial<Timeline>]>([
  ['another boot', { bootId: 'other' }],
  ['an unknown boot', { bootId: undefined }],
  ['another time namespace', { timeNamespace: 2 }],
  ['an unknown time namespace', { timeNamespace: undefined }],
])('%s starts over, but the key is known', (_, difference) => {
  const table = new FirstSeen(at(9_000, difference), stored());
  expect(table.has('key')).toBe(true);
  expect(table.unchangedMs('key', 'value')).toBe(0);
});

test('two unknown boots are not the same boot', () => {
  const unknown = { bootId: undefined };
  const table = new FirstSeen(at(9_000, unknown), stored(at(1_000, unknown)));
  expect(table.unchangedMs('key', 'value')).toBe(0);
});

test.each([
  ['nothing', undefined],
  ['an empty file', ''],
  ['a torn file', '{"format":1,"seen":{"key"'],
  ['no table', '[]'],
  ['null', 'null'],
  ['another format', '{"format":2,"bootId":"boot","timeNamespace":1,"seen":{"key":{"value":1}}}'],
  ['a list of keys', '{"format":1,"bootId":"boot","timeNamespace":1,"seen":["key"]}'],
])('%s is an empty table', (_, text) => {
  expect(new FirstSeen(at(9_000), text).has('key')).toBe(false);
});

test.each(['"old"', '-1', '9001', 'null', '{}', '[1]'])('a time of %s is not believed', (time) => {
  const text = `{"format":1,"bootId":"boot","timeNamespace":1,"seen":{"key":{"value":${time}}}}`;
  expect(new FirstSeen(at(9_000), text).unchangedMs('key', 'value')).toBe(0);
});

test('keys are forgotten', () => {
  const table = new FirstSeen(at(1), undefined);
  table.note('a', 'x');
  table.note('b', 'x');
  table.retain(new Set(['a']));
  expect([table.has('a'), table.has('b')]).toEqual([true, false]);
  table.forget('a');
  expect(new FirstSeen(at(1), table.text()).has('a')).toBe(false);
});

test('each scope has a file of its own below the state of the user', () => {
  expect(firstSeenPath('a')).toMatch(/\/first-seen\/[0-9a-f]{40}\.json$/);
  expect(firstSeenPath('a')).not.toBe(firstSeenPath('b'));
  expect(firstSeenPath('a')?.startsWith(String(stateDirectory()))).toBe(true);
});

test('a user without a passwd entry and HOME has no place for state', async () => {
  const bundle = await bundleSource('platform/first-seen.ts');
  const script = `
    const { firstSeenPath } = require(${JSON.stringify(bundle)});
    process.setgid(54321);
    process.setuid(54321);
    console.log(firstSeenPath('a'));`;
  const child = start(process.execPath, ['-e', script], { env: { PATH: process.env['PATH'] } });
  expect((await child.exited).stdout.trim()).toBe('undefined');
});
