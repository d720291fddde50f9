import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { keyOf, nameOf, probeKey, s3Config, urlOf } from '../../../src/backends/s3/config.js';
import { parseAddress } from '../../../src/core/address.js';

const NOTHING = {};
const AWS = { AWS_REGION: 'eu-central-1' };

describe('the address of a bucket', () => {
  test('names bucket, prefix, and how the store is reached', () => {
    const config = s3Config(
      's3://builds/locks/ci/?endpoint=http://127.0.0.1:9000&region=x&profile=ci',
      NOTHING,
    );
    expect(config).toMatchObject({
      bucket: 'builds',
      prefix: 'locks/ci',
      endpoint: 'http://127.0.0.1:9000',
      region: 'x',
      profile: 'ci',
      isPathStyle: true,
      display: 's3://builds/locks/ci',
    });
    expect(urlOf(config, 'locks/ci/a')).toBe('http://127.0.0.1:9000/builds/locks/ci/a');
  });

  test('without more it is AWS, by the name of the bucket', () => {
    const config = s3Config('s3://builds/locks', AWS);
    expect(urlOf(config, 'locks/a')).toBe('https://builds.s3.eu-central-1.amazonaws.com/locks/a');
    // A dot in the name matches no certificate.
    expect(s3Config('s3://my.builds', AWS).isPathStyle).toBe(true);
    expect(s3Config('s3://builds?style=path', AWS).isPathStyle).toBe(true);
  });

  test.each([
    ['s3://AKID:SECRETKEY@bucket/x', /contains credentials/],
    ['s3://b/x', /not the name of a bucket/],
    ['s3://bucket/a//b', /prefix/],
    ['s3://bucket/../x', /prefix/],
    ['s3://bucket?endpoint=ftp://x', /endpoint/],
    ['s3://bucket?endpoint=http://u:pw@x', /credentials/],
    ['s3://bucket?style=virtual', /style/],
    ['s3://bucket?regoin=x', /no parameter "regoin"/],
  ])('%s is refused', (target, message) => {
    expect(() => s3Config(target, NOTHING)).toThrow(message);
    try {
      s3Config(target, NOTHING);
    } catch (error) {
      expect((error as Error).message).not.toMatch(/SECRETKEY|pw@/);
    }
  });

  test('every character of a name counts, and none leads elsewhere', () => {
    const config = s3Config('s3://bucket/locks', NOTHING);
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }), (name) => {
        if (Buffer.from(name).toString() !== name) return;
        const key = keyOf(config, name);
        expect(key).toMatch(/^locks\/[\w%-][\w.%-]*$/);
        expect(key).not.toBe(probeKey(config));
        expect(nameOf(config, key)).toBe(name);
      }),
    );
    expect(
      new Set(['a', 'A', 'a/', '/a', '%61', '.', '..', ' a'].map((name) => keyOf(config, name))).size,
    ).toBe(8);
    expect(() => keyOf(config, 'ä'.repeat(400))).toThrow(/longer than 1024 bytes/);
  });

  test('is read as the other addresses are', () => {
    expect(parseAddress('s3://bucket/p?endpoint=http://h:9000#user#7')).toMatchObject({
      scheme: 's3',
      target: 's3://bucket/p?endpoint=http://h:9000',
      name: 'user#7',
      display: 's3://bucket/p#user#7',
    });
    expect(() => parseAddress('s3:bucket#x')).toThrow(/\/\/ is missing/);
    expect(() => parseAddress('s3://bucket/p')).toThrow(/name of the lock is missing/);
  });
});
