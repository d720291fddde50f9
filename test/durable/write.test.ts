import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { writeWith, type WriteOptions } from '../../src/durable/write.js';
import type { TempWriter } from '../../src/files/replacement.js';
import { nativeTempWriter } from '../../src/files/write-native.js';
import { plainTempWriter } from '../../src/files/write-plain.js';
import { systemClock } from '../../src/platform/clock.js';
import { loadNative } from '../../src/platform/native.js';
import { fullDisk } from '../support/full-disk.js';
import { start } from '../support/processes.js';
import { testDirectory } from '../support/directory.js';

const WRITE_ONCE = new URL('fixtures/write-once.mjs', import.meta.url).pathname;

const WRITERS: [name: string, writer: TempWriter][] = [
  ['native', nativeTempWriter(loadNative()) as TempWriter],
  ['plain', plainTempWriter],
];

/** Both ways to the rename: in one go, and with a check in between. */
const WAYS: [name: string, options: WriteOptions][] = [
  ['unchecked', {}],
  ['checked', { guard: { assertHeld: () => undefined } }],
];

function visible(directory: string): string[] {
  return readdirSync(directory).filter((name) => name !== '.holdfast');
}

/** The calls that decide durability, as strace saw them, with what they were made on. */
function syscallsOf(kind: string, directory: string): string[] {
  const log = join(directory, 'strace.log');
  const calls = 'write,pwrite64,writev,pwritev,fsync,fdatasync,sync_file_range,rename,renameat,renameat2';
  const target = join(directory, 'target.txt');
  execFileSync('strace', [
    '-f',
    '-y',
    '-o',
    log,
    '-e',
    `trace=${calls}`,
    process.execPath,
    WRITE_ONCE,
    kind,
    target,
    'hello',
  ]);
  return readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => /(\w+)\((.*)\)\s+= /.exec(line))
    .filter((match) => match !== null)
    .filter(([, , args]) => args?.includes(directory))
    .map(([, call, args]) => {
      const on = args?.includes('holdfast-tmp')
        ? call?.startsWith('rename')
          ? 'temp to target'
          : 'temp'
        : 'directory';
      return `${call?.replace(/^p?write(64|v)?$/, 'write').replace(/at2?$/, '')} ${on}`;
    });
}

describe.each([['native'], ['checked'], ['plain']])('the system calls of one %s write', (kind) => {
  test('are write, fsync(temp), rename, fsync(directory), in that order, once each', () => {
    const directory = testDirectory();
    expect(syscallsOf(kind, directory)).toEqual([
      'write temp',
      'fsync temp',
      'rename temp to target',
      'fsync directory',
    ]);
    expect(readFileSync(join(directory, 'target.txt'), 'utf8')).toBe('hello');
  });
});

test('a kernel that claims to have written what it has not: the size check stops the rename', async () => {
  const path = join(testDirectory(), 'f');
  writeFileSync(path, 'old');
  // The one pwrite of the plain writer answers 5 and does nothing.
  const lie = ['-f', '-qq', '-o', `${path}.log`, '-e', 'trace=pwrite64', '-e', 'inject=pwrite64:retval=5'];
  const child = start('strace', [...lie, process.execPath, WRITE_ONCE, 'plain', path, 'hello'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  expect((await child.exited).code).not.toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('old');
});

describe.each(WRITERS)('the %s writer', (_name, writer) => {
  describe.each(WAYS)('%s', (_way, options) => {
    const write = (path: string, data: string | Uint8Array, more: WriteOptions = {}): Promise<void> =>
      writeWith({ writer, clock: systemClock }, path, data, { ...options, ...more });

    test('makes a file that only its owner can read, and keeps the mode of one that exists', async () => {
      const path = join(testDirectory(), 'f');
      await write(path, 'one');
      expect(statSync(path).mode & 0o7777).toBe(0o600);
      chmodSync(path, 0o640);
      await write(path, 'two');
      expect(statSync(path).mode & 0o7777).toBe(0o640);
      await write(path, 'three', { mode: 0o604 });
      expect(statSync(path).mode & 0o7777).toBe(0o604);
      expect(readFileSync(path, 'utf8')).toBe('three');
    });

    test('keeps the owner where it may', async () => {
      const path = join(testDirectory(), 'f');
      writeFileSync(path, 'one');
      execFileSync('chown', ['65534:65533', path]);
      await write(path, 'two');
      expect([statSync(path).uid, statSync(path).gid]).toEqual([65_534, 65_533]);
    });

    test('writes bytes as they are, nothing at all, and 3 MB', async () => {
      const path = join(testDirectory(), 'f');
      for (const bytes of [Buffer.from([0, 255, 10, 13]), Buffer.alloc(0), Buffer.alloc(3_000_000, 'x')]) {
        await write(path, bytes);
        expect(readFileSync(path).equals(bytes)).toBe(true);
      }
    });

    test('writes through links, also one that leads nowhere yet', async () => {
      const directory = testDirectory();
      mkdirSync(join(directory, 'sub'));
      symlinkSync('sub/real', join(directory, 'inner'));
      symlinkSync('inner', join(directory, 'link'));
      await write(join(directory, 'link'), 'one');
      await write(join(directory, 'link'), 'two');
      expect(readFileSync(join(directory, 'sub', 'real'), 'utf8')).toBe('two');
      expect(visible(directory).toSorted()).toEqual(['inner', 'link', 'sub']);
    });

    test('refuses what is no regular file and leaves it alone', async () => {
      const directory = testDirectory();
      const fifo = join(directory, 'fifo');
      execFileSync('mkfifo', [fifo]);
      await expect(write(fifo, 'x')).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
      expect(statSync(fifo).isFIFO()).toBe(true);
      await expect(write(directory, 'x')).rejects.toMatchObject({
        code: 'HOLDFAST_IO',
        message: expect.stringContaining('EISDIR'),
      });
      await expect(write(join(directory, 'no', 'f'), 'x')).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
      expect(visible(directory)).toEqual(['fifo']);
    });

    test('takes names of 255 bytes', async () => {
      const directory = testDirectory();
      const name = 'ä'.repeat(127);
      await write(join(directory, name), 'x');
      expect(visible(directory)).toEqual([name]);
    });

    test('on a full disk the old content stays, nothing is left over, and the error names path and bytes', async () => {
      const disk = fullDisk(64);
      const path = join(disk.directory, 'f');
      await write(path, 'old');
      for (const size of [70_000, 65_000, 1_000_000]) {
        const error = (await write(path, Buffer.alloc(size)).catch((e: unknown) => e)) as Error & {
          code: string;
        };
        expect(error.code).toBe('HOLDFAST_IO');
        expect(error.message).toContain(
          `Could not write "${path}": no space is left on the device for ${size} bytes`,
        );
        expect(readFileSync(path, 'utf8')).toBe('old');
        expect(visible(disk.directory)).toEqual(['f']);
      }
      await write(path, 'new');
      expect(readFileSync(path, 'utf8')).toBe('new');
    });

    test('a disk without inodes fails before anything changes', async () => {
      const disk = fullDisk(64, 'nr_inodes=2');
      const path = join(disk.directory, 'f');
      writeFileSync(path, 'old');
      await expect(write(path, 'new')).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
      expect(readFileSync(path, 'utf8')).toBe('old');
    });
  });

  test('a check that throws stops the rename and leaves no temp', async () => {
    const directory = testDirectory();
    const path = join(directory, 'f');
    writeFileSync(path, 'old');
    const refuse = (): never => {
      throw new Error('not held');
    };
    const writing = writeWith({ writer, clock: systemClock }, path, 'new', { guard: { assertHeld: refuse } });
    await expect(writing).rejects.toThrow('not held');
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(visible(directory)).toEqual(['f']);
  });

  test('a temp that somebody removes before the rename is written again', async () => {
    const directory = testDirectory();
    const path = join(directory, 'f');
    let removals = 0;
    const removeTemps = (): void => {
      if (++removals > 2) return;
      execFileSync('sh', ['-c', 'rm .*.holdfast-tmp'], { cwd: directory });
    };
    await writeWith({ writer, clock: systemClock }, path, 'new', { guard: { assertHeld: removeTemps } });
    expect(removals).toBe(3);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(existsSync(path)).toBe(true);
  });
});
