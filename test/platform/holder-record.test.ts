import { expect, test } from 'vitest';

import { decodeHolderInfo, encodeHolder, holderInfoOf, ownHolder } from '../../src/platform/holder-record.js';

test('this process recognises itself in its record', () => {
  const info = '{"url":"http://127.0.0.1"}';
  expect(decodeHolderInfo(encodeHolder(1_000, { reason: 'nightly', info }))).toMatchObject({
    pid: process.pid,
    program: ownHolder(false).program,
    reason: 'nightly',
    sinceAt: '1970-01-01T00:00:01.000Z',
    info: { url: 'http://127.0.0.1' },
    isAlive: true,
  });
});

test('arguments are recorded on request only', () => {
  expect(ownHolder(false)).not.toHaveProperty('command');
  expect(ownHolder(true).command).toContain(ownHolder(true).program);
  expect(encodeHolder(0, { reason: undefined })).not.toContain('"command"');
  expect(encodeHolder(0, { reason: undefined, recordCommand: true })).toContain('"command"');
});

test('of an old record, whose user was not asked, only the program is shown', () => {
  expect(holderInfoOf({ pid: 1, command: 'mysql -pSECRET' })).toEqual({ pid: 1, program: 'mysql' });
});

test.each(['', 'null', '{}', '{"pid":{}}', '[1]', 'x'.repeat(100_000)])('%j says nothing', (text) => {
  expect(decodeHolderInfo(text)).toEqual({});
});
