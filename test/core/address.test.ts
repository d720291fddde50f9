import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { parseAddress } from '../../src/core/address.js';
import { canonicalServer } from '../../src/core/canonical-server.js';

describe('parseAddress', () => {
  test.each([
    ['build.lock', 'path', 'build.lock', ''],
    ['./x.lock', 'path', './x.lock', ''],
    ['C:\\x\\y.lock', 'path', 'C:\\x\\y.lock', ''],
    ['c:/x', 'path', 'c:/x', ''],
    ['a#b', 'path', 'a#b', ''],
    ['a:b', 'path', 'a:b', ''],
    ['weird:thing', 'path', 'weird:thing', ''],
    ['file:./x', 'path', './x', ''],
    ['file:///tmp/a%20b', 'path', '/tmp/a b', ''],
    ['flock:a#b', 'flock', 'a#b', ''],
    ['lease:/mnt/share/x', 'lease', '/mnt/share/x', ''],
    ['memory:#n', 'memory', '', 'n'],
    ['git:origin#release', 'git', 'origin', 'release'],
    ['git:https://h/r.git#a/b', 'git', 'https://h/r.git', 'a/b'],
    ['redis://h:1/2#n', 'redis', 'redis://h:1/2', 'n'],
    ['rediss://h#n', 'redis', 'rediss://h', 'n'],
    ['etcd://h:2379#n', 'etcd', 'etcd://h:2379', 'n'],
    ['postgresql://u@h/db#n', 'postgres', 'postgresql://u@h/db', 'n'],
    ['redis://h#order#7', 'redis', 'redis://h', 'order#7'],
    ['redis://h#user#7', 'redis', 'redis://h', 'user#7'],
    ['postgres://u@h/db#a@b/c?d#', 'postgres', 'postgres://u@h/db', 'a@b/c?d#'],
    ['etcd://a:1,b:2#x#y', 'etcd', 'etcd://a:1,b:2', 'x#y'],
    ['memory:#a#b', 'memory', '', 'a#b'],
    ['git:origin#a#b', 'git', 'origin', 'a#b'],
    ['./redis:x', 'path', './redis:x', ''],
    ['flock:redis:x', 'flock', 'redis:x', ''],
    ['go:x', 'path', 'go:x', ''],
  ])('reads %s', (text, scheme, target, name) => {
    expect(parseAddress(text)).toMatchObject({ scheme, target, name });
  });

  test.each([
    ['', /it is empty/],
    ['a\0b', /NUL byte/],
    ['flock:', /the path is missing/],
    ['memory:n', /the name is missing/],
    ['memory:#', /behind # is empty/],
    ['git:origin', /name of the lock is missing/],
    ['redis://h', /name of the lock is missing/],
    ['redis://h#', /behind # is empty/],
    ['mongodb://h#n', /no backend is called "mongodb"/],
    ['redis:foo', /\/\/ is missing\. Write redis:\/\/HOST#NAME, or \.\/redis:/],
    ['etcd:127.0.0.1:2379#x', /\/\/ is missing/],
    ['postgresql:x', /\/\/ is missing/],
    ['leases:x', /it looks like lease: misspelled\. Write lease:, or \.\/leases:x/],
    ['flok:x', /it looks like flock: misspelled/],
    ['Redis://h#n', /Did you mean redis:/],
    ['redsi://h#n', /Did you mean redis:/],
    ['git://h/r#n', /Write git:git:\/\/HOST/],
    ['file://host/x', /Write file:\/\/\/PATH/],
  ])('refuses %j', (text, complaint) => {
    expect(() => parseAddress(text)).toThrow(TypeError);
    expect(() => parseAddress(text)).toThrow(complaint);
  });

  test.each([
    'redis://user:s3cret@h:1/2#n',
    'postgres://user:s3cret@h/db?password=s3cret#n',
    'git:https://user:s3cret@h/r.git#n',
  ])('shows no credentials of %s', (text) => {
    expect(parseAddress(text).display).not.toContain('s3cret');
  });

  test('shows no credentials in what it refuses', () => {
    expect(() => parseAddress('mongodb://user:s3cret@h#n')).toThrow(/^(?!.*s3cret)/);
  });

  const text = fc.string({ minLength: 1, unit: 'grapheme' }).filter((name) => !name.includes('\0'));
  const forms = fc.constantFrom(
    'memory:',
    'git:origin',
    'git:../r',
    'etcd://a:1,b:2/p',
    'redis://h:1/2',
    'postgres://h/d',
  );

  test('keeps every character of a name, in what it shows too', () => {
    fc.assert(
      fc.property(forms, text, (form, name) => {
        const address = parseAddress(`${form}#${name}`);
        expect(address.name).toBe(name);
        expect(parseAddress(address.display)).toEqual(address);
      }),
      { seed: 1 },
    );
  });

  test('keeps every character of a path', () => {
    fc.assert(
      fc.property(fc.constantFrom('flock:', 'lease:', 'file:/', './'), text, (form, path) => {
        const address = parseAddress(`${form}${path}`);
        expect(`${form}${path}`.endsWith(address.target)).toBe(true);
        expect(parseAddress(address.display)).toEqual(address);
      }),
      { seed: 1 },
    );
  });
});

describe('canonicalServer', () => {
  test.each([
    ['redis://h', 'redis://u:p@H:6379/0'],
    ['rediss://h/3', 'redis://h:6379/3'],
    ['redis:///?socket=/s&db=2', 'redis://x?socket=/s&db=2'],
    ['etcd://a,b:2', 'etcd://b:2,a:2379'],
    ['postgres://u@h', 'postgresql://u:p@h:5432/u?sslmode=require'],
  ])('%s is %s', (a, b) => {
    expect(canonicalServer(a)).toBe(canonicalServer(b));
  });

  test('keeps servers and databases apart', () => {
    const servers = [
      'redis://a',
      'redis://b',
      'redis://a/1',
      'redis://a:1',
      'postgres://a/x',
      'postgres://a/y',
    ];
    expect(new Set(servers.map(canonicalServer)).size).toBe(servers.length);
  });
});
