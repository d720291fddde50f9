import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { ALICE, BOB, libraryAs, fingerprint, holdfastAs, placeOf, type Ended } from './people.js';

/** What Bob puts where the victim's Holdfast will look, in a directory that he may write. */
type Plant = (place: string, target: string) => void;

function ofBob(path: string): void {
  lchownSync(path, BOB.uid, BOB.gid);
}

const FOLDERS: [name: string, plant: Plant][] = [
  [
    '.holdfast is a link',
    (place, target) => {
      symlinkSync(target, join(place, '.holdfast'));
      ofBob(join(place, '.holdfast'));
    },
  ],
  [
    '.holdfast/locks is a link',
    (place, target) => {
      mkdirSync(join(place, '.holdfast'));
      symlinkSync(target, join(place, '.holdfast/locks'));
    },
  ],
  [
    'every user may write .holdfast',
    (place) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      chmodSync(join(place, '.holdfast'), 0o777);
    },
  ],
  [
    'another user owns .holdfast',
    (place) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      ofBob(join(place, '.holdfast'));
    },
  ],
  ['.holdfast is a file', (place) => writeFileSync(join(place, '.holdfast'), '')],
  [
    'the lock file is a link',
    (place, target) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      symlinkSync(join(target, 'empty'), join(place, '.holdfast/locks/data.json.lock'));
    },
  ],
  [
    'the lock file is a link to nothing',
    (place, target) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      symlinkSync(join(target, 'new'), join(place, '.holdfast/locks/data.json.lock'));
    },
  ],
  [
    'the lock file is a FIFO',
    (place) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      execFileSync('mkfifo', [join(place, '.holdfast/locks/data.json.lock')]);
    },
  ],
  [
    'the lock file is a file of another user',
    (place) => {
      mkdirSync(join(place, '.holdfast/locks'), { recursive: true });
      writeFileSync(join(place, '.holdfast/locks/data.json.lock'), '');
      ofBob(join(place, '.holdfast/locks/data.json.lock'));
    },
  ],
];

/** Files of the victim that nothing of this may touch. */
function victimsFiles(): string {
  const directory = testDirectory();
  writeFileSync(join(directory, 'authorized_keys'), 'ssh-ed25519 AAAA\n');
  writeFileSync(join(directory, 'empty'), '');
  return directory;
}

function expectRefusal(ended: Ended): void {
  expect(ended.stderr).toMatch(/\(owner \d+, group \d+, mode \d{4}\)/);
  expect(ended.stderr).not.toMatch(/\n\s+at /);
  expect(ended.code).toBe(77);
}

describe.each([
  ['root, in a directory of Alice that Bob may write', undefined],
  ['Alice, in a directory of her own that Bob may write', ALICE],
])('the victim is %s', (_who, victim) => {
  test.each(FOLDERS)('%s: nothing is locked, nothing is written', async (_name, plant) => {
    const place = placeOf(ALICE, 0o777);
    const target = victimsFiles();
    writeFileSync(join(place, 'data.json'), '{"n":0}');
    chownSync(join(place, 'data.json'), ALICE.uid, ALICE.gid);
    plant(place, target);
    const [before, outside] = [fingerprint(place), fingerprint(target)];

    const run = await holdfastAs(victim, place, ['run', '-n', '--for', 'data.json', '--', 'true']);
    const update = await libraryAs(
      victim,
      place,
      `await new JsonFile('data.json').update((v) => ({ n: v.n + 1 }));`,
    );

    expectRefusal(run);
    expect(update.stderr).toMatch(/^HOLDFAST_PERMISSION Could not open ".*\.holdfast/);
    expect([fingerprint(place), fingerprint(target)]).toEqual([before, outside]);
  });

  test('clean and ls do not follow a planted .holdfast into another tree', async () => {
    const place = placeOf(ALICE, 0o777);
    const target = testDirectory();
    mkdirSync(join(target, 'locks'));
    writeFileSync(join(target, 'locks/other.lock'), '1 holdfast/1\n{}\n');
    symlinkSync(target, join(place, '.holdfast'));
    const before = fingerprint(target);

    expectRefusal(await holdfastAs(victim, place, ['clean']));
    expectRefusal(await holdfastAs(victim, place, ['ls']));

    expect(fingerprint(target)).toBe(before);
  });

  test.each([
    ['a link', (path: string, target: string) => symlinkSync(join(target, 'authorized_keys'), path)],
    ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
    [
      'a file of another user',
      (path: string) => {
        writeFileSync(path, '1\n');
        ofBob(path);
      },
    ],
  ])('the counter of fencing tokens is %s', async (_kind, plant) => {
    const place = placeOf(ALICE, 0o777);
    const target = victimsFiles();
    plant(join(place, 'x.lock.token'), target);
    const before = fingerprint(target);

    const ended = await libraryAs(victim, place, `await withLock('x.lock', { fencing: true }, () => {});`);

    expect(ended.stderr).toMatch(
      /^HOLDFAST_PERMISSION .*x\.lock\.token": .* \(owner \d+, group \d+, mode \d{4}\)/,
    );
    expect(fingerprint(target)).toBe(before);
  });

  test('the text of a torn append is not added to what log.jsonl.torn links to', async () => {
    const place = placeOf(ALICE, 0o777);
    const target = victimsFiles();
    writeFileSync(join(place, 'log.jsonl'), '{"at":1}\n{"at":');
    chownSync(join(place, 'log.jsonl'), ALICE.uid, ALICE.gid);
    symlinkSync(join(target, 'authorized_keys'), join(place, 'log.jsonl.torn'));
    const before = fingerprint(target);

    const ended = await libraryAs(victim, place, `await new JsonLines('log.jsonl').append({ at: 2 });`);

    expect(ended.stderr).toMatch(/^HOLDFAST_PERMISSION .*log\.jsonl\.torn": it is a symbolic link/);
    expect(fingerprint(target)).toBe(before);
  });
});

test.each([
  ['JsonFile.read', `await new JsonFile('data').read();`],
  ['JsonFile.update', `await new JsonFile('data').update((v) => v);`],
  ['JsonLines.append', `await new JsonLines('data').append({});`],
  ['JsonLines.read', `for await (const record of new JsonLines('data').read());`],
  ['writeFileDurable', `await writeFileDurable('data', 'x');`],
])('%s of a FIFO fails at once instead of waiting for its other end', async (_name, lines) => {
  const place = placeOf(ALICE, 0o755);
  execFileSync('mkfifo', [join(place, 'data')]);

  const ended = await libraryAs(undefined, place, lines);

  expect(ended.stderr).toMatch(/^HOLDFAST_UNSUPPORTED .*regular file/);
});

test('cache get of a FIFO fails at once', async () => {
  const place = placeOf(ALICE, 0o755);
  execFileSync('mkfifo', [join(place, 'data')]);

  const ended = await holdfastAs(undefined, place, ['cache', 'get', 'data']);

  expect(ended.stderr).toMatch(/it is a FIFO/);
  expect(ended.code).toBe(78);
});
