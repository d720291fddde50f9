import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { ALICE, BOB, fingerprint, holdfastAs, placeOf } from './people.js';

// What Bob plants into a directory that he may write, and root or Alice meet, in the faces that have no file of their own
// here. A command that hangs is killed, and has no exit code.

const PLANTS: [kind: string, plant: (path: string, target: string) => void][] = [
  ['a link', (path, target) => symlinkSync(join(target, 'precious'), path)],
  ['a FIFO', (path) => void execFileSync('mkfifo', [path])],
  [
    'a file of another user',
    (path) => {
      writeFileSync(path, '{"planted":true}\n');
      chownSync(path, BOB.uid, BOB.gid);
    },
  ],
];

function victimsFiles(): string {
  const directory = testDirectory();
  writeFileSync(join(directory, 'precious'), 'precious\n');
  return directory;
}

async function serve(): Promise<string> {
  const server = createServer((_request, response) => response.end('{"a":1}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.json`;
}

describe.each(PLANTS)('%s, planted', (_kind, plant) => {
  test('as the record of a failed refresh, is not believed and not written through', async () => {
    const place = placeOf(ALICE, 0o777);
    const target = victimsFiles();
    plant(join(place, 'c.json.failed'), target);
    const before = fingerprint(target);
    const url = await serve();

    for (const words of [
      ['cache', 'refresh', 'c.json', '--url', url],
      ['cache', 'get', 'c.json'],
      ['cache', 'status', 'c.json'],
    ])
      expect(await holdfastAs(undefined, place, words)).toMatchObject({ code: 0 });
    await holdfastAs(undefined, place, [
      'cache',
      'refresh',
      'd.json',
      '--url',
      'http://127.0.0.1:1/',
      '--timeout',
      '1s',
    ]);

    expect(fingerprint(target)).toBe(before);
  });

  test('as the lock of a toolchain, is refused', async () => {
    const place = placeOf(ALICE, 0o777);
    const target = victimsFiles();
    const source = { archive: await serve(), sha256: '0'.repeat(64) };
    const recipe = {
      name: 'alpha',
      source,
      steps: [],
      artifacts: [{ name: 'a', files: ['a'] }],
      search: ['.'],
    };
    writeFileSync(join(place, 'alpha.json'), JSON.stringify(recipe));
    mkdirSync(join(place, 'opt'), { mode: 0o777 });
    plant(join(place, 'opt/.alpha.lock'), target);
    const before = fingerprint(target);

    const words = ['setup', './alpha.json', '--dir', join(place, 'opt/alpha')];
    const ended = await holdfastAs(undefined, place, words);

    expect(ended.stderr).toMatch(/\(owner \d+, group \d+, mode \d{4}\)/);
    expect(ended).toMatchObject({ code: 77, stdout: '' });
    expect(fingerprint(target)).toBe(before);
  });
});

test.each(PLANTS)('%s, planted as the pins of a toolchain, is refused', async (_kind, plant) => {
  const place = placeOf(ALICE, 0o777);
  plant(join(place, 'holdfast-setup.lock'), victimsFiles());
  const artifacts = [{ name: 'a', files: ['a'] }];
  const recipe = { name: 'alpha', source: { git: '/none' }, steps: [], artifacts, search: ['.'] };
  writeFileSync(join(place, 'alpha.json'), JSON.stringify(recipe));
  const words = ['setup', './alpha.json', '--dir', join(place, 'opt/alpha')];
  expect(await holdfastAs(undefined, place, words)).toMatchObject({ code: 77, stdout: '' });
});

test.each([
  ['no JSON', 'not json'],
  ['a timeout of a millisecond', '{"lockTimeout":"1ms"}'],
])('settings of another user, %s, do not count', async (_what, text) => {
  const place = placeOf(ALICE, 0o777);
  const below = join(place, 'below');
  mkdirSync(below);
  writeFileSync(join(place, 'holdfast.config.json'), text);
  lchownSync(join(place, 'holdfast.config.json'), BOB.uid, BOB.gid);
  expect(await holdfastAs(undefined, below, ['run', 'x.lock', '--', 'true'])).toMatchObject({
    code: 0,
    stderr: '',
  });
});

test.each([
  [
    'a state of a newer version',
    (lease: string) => writeFileSync(join(lease, 's.2.0000000000000001.free'), ''),
  ],
  ['a state that is none', (lease: string) => writeFileSync(join(lease, 's.1.x'), '')],
  [
    'records without a state',
    (lease: string) => writeFileSync(join(lease, `i.${'a'.repeat(26)}.json`), '{}'),
  ],
])('a lease with %s is refused with 65', async (_what, plant) => {
  const place = placeOf(ALICE, 0o777);
  const lease = join(place, 'x');
  mkdirSync(lease);
  plant(lease);
  const before = fingerprint(place);
  const ended = await holdfastAs(undefined, place, ['run', '-n', 'lease:x', '--', 'true']);
  expect(ended).toMatchObject({ code: 65, stdout: '' });
  expect(fingerprint(place)).toBe(before);
});
