import fc from 'fast-check';
import { expect, test } from 'vitest';

import { parseAddress } from '../../src/core/address.js';
import { withoutCredentials } from '../../src/core/credentials.js';

test.each([
  ['redis://u:p@ss/w:PASS@h', 'redis://h'],
  ['redis://u:p@ss/w:PASS@h:6379/0#deploy@prod', 'redis://h:6379/0#deploy@prod'],
  ['redis://:pw@h#n', 'redis://h#n'],
  ['redis://u:pa ss@h#n', 'redis://h#n'],
  ['redis://u:p"w@h#n', 'redis://h#n'],
  ['postgres://u:p#w@h/db#n', 'postgres://h/db#n'],
  ['postgres:///db?host=/tmp&password=x#n', 'postgres:///db#n'],
  ['etcd://u:p@a:2379,b:2379#x', 'etcd://a:2379,b:2379#x'],
  ['git:https://user:s3cret@tail@host/x.git#name', 'git:https://host/x.git#name'],
  ['git:https://host/x.git?private_token=abc#name', 'git:https://host/x.git#name'],
  ['https://user:s3/cret@host/path', 'https://host/path'],
  ['HTTPS://User:PASS@Host/path', 'HTTPS://Host/path'],
  ['https://host/x?X-Amz-Signature=abc', 'https://host/x'],
  ['https://host/x#access_token=abc', 'https://host/x'],
  ['https://u:p@registry/@types/node', 'https://registry/@types/node'],
  ['ssh://git@host/x', 'ssh://host/x'],
  ['/here/redis:/u:p/w@h:1/0?password=x#n', '/here/redis:/h:1/0#n'],
  ['from https://a:b@c/d to redis://u:x@y#z', 'from https://c/d to redis://y#z'],
  ['see "https://host/x?private_token=abc": refused', 'see "https://host/x": refused'],
])('the credentials of %s are removed', (text, expected) => {
  expect(withoutCredentials(text)).toBe(expected);
});

test.each([
  '/tmp/a@b.lock',
  'user@host:path',
  'no URL: u:p@h',
  'https://registry/@types/node',
  'https://host/pkg@1.2/x',
  'https://[::1]:8080/x',
  'etcd://a:2379,b:2379#x@y',
  'Write etcd://HOST:PORT#NAME',
  'Could not lock "redis://127.0.0.1:6379#deploy@prod": it is held by pid 4',
  'file:///a/b',
])('%s has none and stays', (text) => {
  expect(withoutCredentials(text)).toBe(text);
});

const SCHEMES = ['redis', 'rediss', 'postgres', 'postgresql', 'etcd', 'etcds', 's3'];
/** Distinct from every other part of the texts, so that finding it is finding the secret. */
const secrets = fc
  .array(fc.oneof(fc.constantFrom('@', '/', ':', '?', '#', '%', '&', '=', '"', "'", '.'), fc.string()), {
    minLength: 1,
    maxLength: 8,
  })
  .map((parts) => `Z1q${parts.join('')}Zx9`)
  .filter((text) => !/\s/.test(text) && !text.includes('://'));

test('no part of a password of an engine survives', () => {
  fc.assert(
    fc.property(fc.constantFrom(...SCHEMES), secrets, (scheme, secret) => {
      const shown = withoutCredentials(`x ${scheme}://user:${secret}@host:1/db#name y`);
      expect(shown).not.toMatch(/Z1q|Zx9/);
      expect(shown).toMatch(/:\/\/host:1\/db#name y$/);
    }),
  );
});

test('no part of the credentials of any other URL survives', () => {
  fc.assert(
    fc.property(fc.constantFrom('https', 'http', 'git:https', 'ssh', 'ftp'), secrets, (scheme, secret) => {
      // A `host:port/path?query` or `host/path#name` in a password cannot be told from that of the URL.
      fc.pre(!/@.*\/.*[?#]/.test(secret));
      const text = `x ${scheme}://user:${secret}@host/path?private_token=${encodeURIComponent(secret)} y`;
      expect(withoutCredentials(text)).not.toMatch(/Z1q|Zx9/);
    }),
  );
});

test('any text is taken, and nothing is added to it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.string(), fc.constantFrom('https://', 'redis://', '@', '#', '?', ' ', '\n'))),
      (parts) => {
        const text = parts.join('');
        expect(withoutCredentials(text).length).toBeLessThanOrEqual(text.length);
      },
    ),
  );
});

test('addresses are displayed through the same function', () => {
  for (const text of ['redis://u:p@ss/w:PASS@h#n', 'git:https://user:s3cret@tail@host/r.git#n']) {
    let shown: string;
    try {
      shown = parseAddress(text).display;
    } catch (error) {
      shown = String(error);
    }
    expect(shown).not.toMatch(/PASS|p@ss|tail|s3cret/);
  }
});
