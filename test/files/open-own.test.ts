import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  fstatSync,
  mkdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';

import { testDirectory } from '../support/directory.js';

const STRANGER = 41_009;
const GROUP = 41_010;

interface Case {
  readonly name: string;
  /** Prepares `place/.side/file`. */
  readonly plant: (place: string) => void;
  readonly isTrusted: boolean;
}

const side = (place: string): string => join(place, '.side');
const file = (place: string): string => join(place, '.side', 'file');

const CASES: readonly Case[] = [
  { name: 'ours', plant: () => undefined, isTrusted: true },
  { name: 'the file is a stranger’s', plant: (at) => chownSync(file(at), STRANGER, 0), isTrusted: false },
  {
    name: 'the file and the place are another user’s',
    plant: (at) => {
      chownSync(at, STRANGER, 0);
      chownSync(file(at), STRANGER, 0);
    },
    isTrusted: true,
  },
  {
    name: 'a member’s, in a place that the group writes',
    plant: (at) => {
      chownSync(at, 0, GROUP);
      chmodSync(at, 0o775);
      chownSync(side(at), STRANGER, GROUP);
      chownSync(file(at), STRANGER, GROUP);
    },
    isTrusted: true,
  },
  {
    name: 'a stranger’s of another group, in a place that the group writes',
    plant: (at) => {
      chownSync(at, 0, GROUP);
      chmodSync(at, 0o775);
      chownSync(file(at), STRANGER, STRANGER);
    },
    isTrusted: false,
  },
  {
    name: 'a member’s, in a place that the group only reads',
    plant: (at) => {
      chownSync(at, 0, GROUP);
      chownSync(file(at), STRANGER, GROUP);
    },
    isTrusted: false,
  },
  { name: 'others may write the file', plant: (at) => chmodSync(file(at), 0o602), isTrusted: false },
  { name: 'others may write the directory', plant: (at) => chmodSync(side(at), 0o777), isTrusted: false },
  {
    name: 'the directory is a link',
    plant: (at) => {
      execFileSync('mv', [side(at), join(at, 'elsewhere')]);
      symlinkSync('elsewhere', side(at));
    },
    isTrusted: false,
  },
  {
    name: 'the file is a link',
    plant: (at) => {
      execFileSync('mv', [file(at), join(at, 'elsewhere')]);
      symlinkSync('../elsewhere', file(at));
    },
    isTrusted: false,
  },
  {
    name: 'the file is a FIFO',
    plant: (at) => {
      execFileSync('rm', [file(at)]);
      execFileSync('mkfifo', [file(at)]);
    },
    isTrusted: false,
  },
  {
    name: 'the file is a directory',
    plant: (at) => {
      execFileSync('rm', [file(at)]);
      mkdirSync(file(at));
    },
    isTrusted: false,
  },
];

/** Without the addon, and without the addon and /proc. */
const WAYS: [way: string, hasAddon: boolean, hasProc: boolean][] = [
  ['by the addon', true, true],
  ['by /proc/self/fd', false, true],
  ['by lstat and fstat', false, false],
];

describe.each(WAYS)('%s', (_way, hasAddon, hasProc) => {
  async function loaded(): Promise<typeof import('../../src/files/open-own.js')> {
    vi.resetModules();
    vi.doMock('../../src/platform/native.js', async (original) => ({
      ...(await original<object>()),
      ...(!hasAddon && { availableNative: () => undefined }),
    }));
    vi.doMock('../../src/platform/process-stat.js', async (original) => ({
      ...(await original<object>()),
      ...(!hasProc && { isProcOurs: () => false }),
    }));
    return import('../../src/files/open-own.js');
  }

  test.each(CASES)('$name', async ({ plant, isTrusted }) => {
    const { openOwn } = await loaded();
    const place = testDirectory();
    mkdirSync(side(place), { mode: 0o755 });
    writeFileSync(file(place), 'x', { mode: 0o644 });
    chmodSync(place, 0o755);
    plant(place);
    const open = (): number => openOwn(file(place), constants.O_RDWR, { depth: 2 });
    if (!isTrusted) {
      expect(open).toThrow(expect.objectContaining({ code: 'HOLDFAST_PERMISSION' }));
      expect(open).toThrow(/\(owner \d+, group \d+, mode \d{4}\)/);
      return;
    }
    const fd = open();
    expect(fstatSync(fd).ino).toBe(statSync(file(place)).ino);
    closeSync(fd);
  });

  test('a link in the place is the user’s own, and followed', async () => {
    const { readOwn } = await loaded();
    const place = testDirectory();
    mkdirSync(join(place, 'real'));
    symlinkSync('real', join(place, 'link'));
    writeFileSync(join(place, 'real/file'), 'content');
    expect(String(readOwn(join(place, 'link/file')))).toBe('content');
  });

  test('what is not there is undefined, what is too large is refused', async () => {
    const { readOwn } = await loaded();
    const place = testDirectory();
    expect(readOwn(join(place, 'none/file'), { depth: 2 })).toBeUndefined();
    writeFileSync(join(place, 'file'), 'x'.repeat(65));
    expect(() => readOwn(join(place, 'file'), { maxSizeBytes: 64 })).toThrow(
      expect.objectContaining({ code: 'HOLDFAST_PROTOCOL' }),
    );
  });
});
