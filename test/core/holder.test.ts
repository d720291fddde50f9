import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import {
  decodeHolder,
  decodeRecord,
  INFO_BYTES,
  infoText,
  isOurRecord,
  newHolderId,
  parseHolder,
  recordEncoder,
} from '../../src/core/holder.js';

const identity = { pid: 4711, startTime: 12, host: 'build-7', bootId: 'b', program: 'make "-j2"' };

describe('holder ids', () => {
  test('are 26 characters of [a-z2-7] and never the same', () => {
    const ids = Array.from({ length: 5_000 }, newHolderId);
    for (const id of ids) expect(id).toMatch(/^[a-z2-7]{26}$/);
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('records', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.nat(), fc.option(fc.string(), { nil: undefined }), (sinceAtMs, reason) => {
        const text = recordEncoder(identity)('me', sinceAtMs, reason);
        const sinceAt = new Date(sinceAtMs).toISOString();
        expect(decodeRecord(text)).toEqual({
          ...identity,
          holderId: 'me',
          sinceAt,
          ...(reason !== undefined && reason !== '' && { reason }),
        });
        expect(text.split('\n')).toHaveLength(3);
      }),
    );
  });

  test('carry what the holder gave for others to read', () => {
    const info = { url: 'http://127.0.0.1:8080', list: [1, null, 'x'] };
    expect(decodeRecord(recordEncoder(identity)('me', 0, undefined, infoText(info)))?.info).toEqual(info);
  });

  test('fit into a lock file, whatever the reason', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 500, maxLength: 20_000, unit: 'binary' }), (reason) => {
        const info = infoText('x'.repeat(INFO_BYTES - 2));
        const text = recordEncoder({ ...identity, command: reason })('me', 0, reason, info);
        expect(Buffer.byteLength(text)).toBeLessThan(8192);
        expect(decodeRecord(text)?.pid).toBe(4711);
      }),
      { numRuns: 20 },
    );
  });

  test('begin with the pid and the magic, for people who cat them', () => {
    expect(recordEncoder(identity)('me', 0, undefined)).toMatch(/^4711 holdfast\/1\n\{.*\}\n$/);
  });

  test('that are torn or newer are ours, but tell nothing', () => {
    const text = recordEncoder(identity)('me', 0, 'why');
    expect(isOurRecord('7 holdfast/99\n???')).toBe(true);
    expect(decodeRecord('7 holdfast/99\n{}')).toBeUndefined();
    fc.assert(
      fc.property(fc.nat(text.length - 2), (length) => {
        expect(decodeRecord(text.slice(0, length))).toBeUndefined();
      }),
    );
  });

  test.each([
    '',
    '4711',
    '4711\n',
    'x holdfast/1\n{}',
    ' 1 holdfast/1\n',
    '1 holdfast/x\n',
    '#!/bin/sh\n',
    '{"pid":1}',
  ])('%j is not one of ours', (text) => {
    expect(isOurRecord(text)).toBe(false);
    expect(decodeRecord(text)).toBeUndefined();
  });
});

const HOSTILE: readonly unknown[] = [
  ...[null, true, 0, -1, 1.5, 2 ** 53, 1e308, '', 'text', '\u001b[2J', [], [[]], {}, { toString: 1 }],
  ...[{ toJSON: 1 }, { length: 3 }, 'x'.repeat(100_000), '__proto__', { valueOf: 'x' }],
];
const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.jsonValue(), fc.anything());

describe('a hostile record', () => {
  const fields = [
    ...['pid', 'startTime', 'host', 'bootId', 'pidNamespace', 'timeNamespace', 'program', 'command'],
    ...['holderId', 'reason', 'sinceAtMs', 'info', 'toString', '__proto__', 'constructor'],
  ];

  test('is read without an error, and only fields of the right type come out of it', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...fields), hostile), (record) => {
        const decoded = decodeHolder({ pid: 1, ...record });
        if (decoded === undefined) return;
        for (const name of ['host', 'bootId', 'program', 'command', 'holderId', 'reason', 'sinceAt'] as const)
          expect(['string', 'undefined']).toContain(typeof decoded[name]);
        for (const name of ['pid', 'startTime', 'pidNamespace', 'timeNamespace'] as const)
          expect(decoded[name] ?? 0).toBeGreaterThanOrEqual(0);
        expect(JSON.stringify(decoded).length).toBeLessThan(10_000);
      }),
    );
  });

  test.each([
    '',
    'null',
    '[]',
    '1',
    '"x"',
    '{}',
    '{"pid":"1"}',
    '{"pid":0}',
    '{"pid":1e300}',
    '['.repeat(16_000),
    `{"pid":1,"reason":"${'x'.repeat(20_000)}"}`,
  ])('of %j is none', (text) => {
    expect(parseHolder(text)).toBeUndefined();
  });

  test('keeps what is right in it', () => {
    expect(parseHolder('{"pid":1,"command":{"toString":1},"sinceAtMs":1e300,"host":"h"}')).toEqual({
      pid: 1,
      host: 'h',
    });
  });
});

test.each([undefined, () => 1, Symbol('x'), 1n, 'x'.repeat(INFO_BYTES), { toJSON: () => undefined }])(
  'info that is no JSON of at most 1 KB is refused',
  (info) => {
    expect(infoText(info)).toBeUndefined();
  },
);
