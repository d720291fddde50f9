import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { decodeRecord, isOurRecord, newHolderId, recordEncoder } from '../../src/core/holder.js';

const identity = { pid: 4711, startTime: 12, host: 'build-7', bootId: 'b', command: 'make "-j2"' };

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
          ...(reason !== undefined && { reason }),
        });
        expect(text.split('\n')).toHaveLength(3);
      }),
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
