import { describe, expect, test } from 'vitest';

import { parseAddress } from '../../src/core/address.js';

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
});
