import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { LOCK_CREATE, LOCK_DIRECTORY, LOCK_GATE, LOCK_SHARED } from '../../src/platform/native-contract.js';
import { loadNative } from '../../src/platform/native.js';
import { isWaiting, temporaryDirectory, until } from '../processes/observe.js';

const { EBADF, ECANCELED, EINVAL, EISDIR, EMSGSIZE, ENAMETOOLONG, ENOENT, EWOULDBLOCK, ETIMEDOUT } =
  constants.errno;
const record = '42 holdfast/1\n{"pid":42}\n';

function take(path: string, flags = LOCK_CREATE, text?: string): number {
  const handle = loadNative().tryLock(path, flags, 0o600, text);
  if (handle > 0) onTestFinished(() => void loadNative().unlock(handle));
  return handle;
}

function wait(path: string, flags = LOCK_CREATE, text?: string) {
  let id = 0;
  const result = new Promise<number>((resolve) => {
    id = loadNative().waitLock(path, flags, 0o600, text, resolve);
  });
  return { id, result };
}

describe('a lock', () => {
  it.each([
    ['exclusive', 'exclusive', 0, 0, false],
    ['exclusive', 'shared', 0, LOCK_SHARED, false],
    ['shared', 'exclusive', LOCK_SHARED, 0, false],
    ['shared', 'shared', LOCK_SHARED, LOCK_SHARED, true],
    ['shared', 'shared, gated', LOCK_SHARED, LOCK_SHARED | LOCK_GATE, true],
  ])('%s against %s', (_first, _second, first, second, isGranted) => {
    const path = join(temporaryDirectory(), 'a.lock');
    expect(take(path, first | LOCK_CREATE)).toBeGreaterThan(0);
    const other = take(path, second | LOCK_CREATE);
    if (isGranted) expect(other).toBeGreaterThan(0);
    else expect(other).toBe(-EWOULDBLOCK);
  });

  it('is made with the asked mode, and only when asked', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    expect(take(path, 0)).toBe(-ENOENT);
    take(path);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('refuses a handle that was released, also after its slot was used again', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const addon = loadNative();
    const stale = take(path);
    expect(addon.unlock(stale)).toBe(0);
    const fresh = take(path);
    expect(fresh).not.toBe(stale);
    for (const use of [addon.unlock, addon.verify, addon.descriptor, addon.abandon]) {
      expect(use(stale)).toBe(-EBADF);
    }
    for (const nonsense of [0, -1, 1, 2 ** 60, NaN]) expect(addon.unlock(nonsense)).toBe(-EBADF);
    expect(addon.verify(fresh)).toBe(1);
  });

  it('holds many at once, each its own', () => {
    const directory = temporaryDirectory();
    const handles = Array.from({ length: 100 }, (_, i) => take(join(directory, `${i}`)));
    expect(new Set(handles).size).toBe(100);
    for (const handle of handles.slice(50)) loadNative().unlock(handle);
    handles.slice(0, 50).forEach((handle, i) => {
      expect(loadNative().verify(handle)).toBe(1);
      expect(take(join(directory, `${i}`))).toBe(-EWOULDBLOCK);
      expect(take(join(directory, `${i + 50}`))).toBeGreaterThan(0);
    });
  });

  it('refuses what is no path', () => {
    const tooLong = `/${'x'.repeat(4096)}`;
    expect(take('/tmp/a\0b')).toBe(-EINVAL);
    expect(take(tooLong)).toBe(-ENAMETOOLONG);
    expect(take(`/${'ü'.repeat(2048)}`)).toBe(-ENAMETOOLONG);
    expect(take('')).toBe(-ENOENT);
    expect(loadNative().tryLock(7 as never, 0, 0, undefined)).toBe(-EINVAL);
  });

  it('sees that its path was unlinked or replaced', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const first = take(path);
    expect(loadNative().verify(first)).toBe(1);
    renameSync(path, `${path}.old`);
    expect(loadNative().verify(first)).toBe(0);
    writeFileSync(path, '');
    expect(loadNative().verify(first)).toBe(0);
    unlinkSync(path);
    renameSync(`${path}.old`, path);
    expect(loadNative().verify(first)).toBe(1);
  });

  it('keeps clear of the standard descriptors, and is closed on exec', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = take(path);
    expect(loadNative().descriptor(handle)).toBeGreaterThan(2);
    const seen = execFileSync('sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
    expect(seen).not.toContain(path);
  });
});

describe.skipIf(process.platform !== 'linux')('what can be locked', () => {
  it('a directory, through symbolic links as well', () => {
    const directory = temporaryDirectory();
    mkdirSync(join(directory, 'd'));
    symlinkSync('d', join(directory, 'link'));
    expect(take(join(directory, 'd'), LOCK_CREATE)).toBe(-EISDIR);
    const handle = take(join(directory, 'd'), LOCK_CREATE | LOCK_GATE | LOCK_DIRECTORY, record);
    expect(handle).toBeGreaterThan(0);
    expect(take(join(directory, 'link'), LOCK_DIRECTORY)).toBe(-EWOULDBLOCK);
    rmdirSync(join(directory, 'd'));
    expect(loadNative().verify(handle)).toBe(0);
  });

  it('a program that runs, which nobody may write', async () => {
    const path = join(temporaryDirectory(), 'program');
    copyFileSync('/bin/sleep', path);
    chmodSync(path, 0o755);
    const before = readFileSync(path);
    const child = spawn(path, ['60']);
    onTestFinished(() => void child.kill('SIGKILL'));
    await until('it runs', () => readlinkSync(`/proc/${child.pid}/exe`) === path);
    expect(take(path, LOCK_CREATE | LOCK_GATE, record)).toBeGreaterThan(0);
    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it('a FIFO that nobody has open, without blocking', () => {
    const path = join(temporaryDirectory(), 'fifo');
    execFileSync('mkfifo', [path]);
    expect(take(path, LOCK_CREATE, record)).toBeGreaterThan(0);
  });

  it('a device', () => {
    expect(take('/dev/null', 0, record)).toBeGreaterThan(0);
  });
});

describe('the record', () => {
  const longer = `${record.slice(0, -1)} and more, of an older holder\n`;
  it.each([
    ['empty', '', record],
    ['of a longer record', longer, record],
    ['of a shorter record', '1 holdfast/0\n', record],
    ['of the same length', record.replaceAll('42', '41'), record],
    ['of a bare magic', '7 holdfast/', record],
    ['foreign', '#!/bin/sh\n', '#!/bin/sh\n'],
    ['a pid alone', '1234\n', '1234\n'],
    ['digits and something else', '12 holdfasts\n', '12 holdfasts\n'],
    ['a magic without digits', ' holdfast/1\n', ' holdfast/1\n'],
    ['a magic cut short', '12 holdf', '12 holdf'],
  ])('in a file that is %s', async (_, before, after) => {
    const path = join(temporaryDirectory(), 'a.lock');
    writeFileSync(path, before);
    const handle = take(path, 0, record);
    expect(readFileSync(path, 'utf8')).toBe(after);
    loadNative().unlock(handle);
    writeFileSync(path, before);
    loadNative().unlock(await wait(path, 0, record).result);
    expect(readFileSync(path, 'utf8')).toBe(after);
  });

  it('is not written by a shared hold, nor without being given', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    loadNative().unlock(take(path, LOCK_CREATE | LOCK_SHARED, record));
    loadNative().unlock(take(path, LOCK_CREATE));
    expect(readFileSync(path, 'utf8')).toBe('');
  });

  it.skipIf(process.platform !== 'linux')('is not written to a file that only says that it is empty', () => {
    const path = '/proc/self/oom_score_adj';
    const before = readFileSync(path, 'utf8');
    expect(statSync(path).size).toBe(0);
    expect(take(path, 0, '42\n')).toBeGreaterThan(0);
    expect(readFileSync(path, 'utf8')).toBe(before);
  });

  it('is refused when it is too long', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    expect(take(path, LOCK_CREATE, 'x'.repeat(8192))).toBe(-EMSGSIZE);
    expect(take(path, LOCK_CREATE, 'x'.repeat(8191))).toBeGreaterThan(0);
  });
});

describe.skipIf(process.platform !== 'linux')('a wait', () => {
  it('is granted at once when the lock is free', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = await wait(path, LOCK_CREATE | LOCK_GATE).result;
    expect(loadNative().verify(handle)).toBe(1);
    loadNative().unlock(handle);
  });

  it.each([0, LOCK_SHARED, LOCK_GATE, LOCK_SHARED | LOCK_GATE])(
    'with flags %i stands in the lock table, and goes when it is cancelled',
    async (flags) => {
      const path = join(temporaryDirectory(), 'a.lock');
      const holder = take(path);
      const { id, result } = wait(path, flags);
      await until('it waits', () => isWaiting(path, process.pid));
      loadNative().cancelWait(id);
      expect(await result).toBe(-ECANCELED);
      expect(isWaiting(path, process.pid)).toBe(false);
      loadNative().cancelWait(id);
      loadNative().unlock(holder);
      expect(take(path, flags)).toBeGreaterThan(0);
    },
  );

  it('holds new readers back while a writer waits, but not when none does', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const reader = take(path, LOCK_SHARED | LOCK_CREATE | LOCK_GATE);
    const writer = wait(path, LOCK_GATE);
    await until('it waits', () => isWaiting(path, process.pid));
    expect(take(path, LOCK_SHARED | LOCK_GATE)).toBe(-EWOULDBLOCK);
    expect(take(path, LOCK_SHARED)).toBeGreaterThan(0);
    const late = wait(path, LOCK_SHARED | LOCK_GATE);
    loadNative().cancelWait(writer.id);
    expect(await writer.result).toBe(-ECANCELED);
    loadNative().unlock(await late.result);
    expect(loadNative().verify(reader)).toBe(1);
  });

  it('cancelled after the grant, before it was told, gives the lock back', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const { id, result } = wait(path);
    const other = wait(path);
    const end = performance.now() + 5;
    while (performance.now() < end);
    loadNative().cancelWait(id);
    loadNative().cancelWait(other.id);
    expect(await result).toBe(-ECANCELED);
    expect(await other.result).toBe(-ECANCELED);
    expect(take(path)).toBeGreaterThan(0);
  });

  it('reports an error of opening', async () => {
    expect(await wait(join(temporaryDirectory(), 'none', 'a.lock')).result).toBe(-ENOENT);
  });

  it('on a descriptor can be cancelled', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const holder = take(path);
    const other = take(path, LOCK_SHARED);
    expect(other).toBe(-EWOULDBLOCK);
    const { openSync, closeSync } = await import('node:fs');
    const fd = openSync(path, 'r');
    let id = 0;
    const result = new Promise((resolve) => (id = loadNative().waitLockDescriptor(fd, 0, resolve)));
    await until('it waits', () => isWaiting(path, process.pid));
    loadNative().cancelWait(id);
    expect(await result).toBe(-ECANCELED);
    loadNative().unlock(holder);
    expect(take(path)).toBeGreaterThan(0);
    closeSync(fd);
    expect(loadNative().tryLockDescriptor(fd, 0)).toBe(-EBADF);
    expect(loadNative().waitLockDescriptor(-1, 0, () => {})).toBe(-EBADF);
  });

  it('of a blocked thread ends at its deadline and leaves nothing', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const holder = take(path);
    for (const timeoutMs of [0, 1, 30]) {
      const start = performance.now();
      expect(loadNative().lockBlocking(path, 0, 0o600, undefined, timeoutMs)).toBe(-ETIMEDOUT);
      expect(performance.now() - start).toBeGreaterThanOrEqual(timeoutMs - 1);
    }
    loadNative().unlock(holder);
    const handle = loadNative().lockBlocking(path, 0, 0o600, undefined, 30);
    expect(loadNative().unlock(handle)).toBe(0);
  });
});

describe.skipIf(process.platform !== 'linux')('facts of this machine', () => {
  it('counts the time since boot', () => {
    const uptimeMs = (): number => Number(readFileSync('/proc/uptime', 'utf8').split(' ')[0]) * 1000;
    const before = uptimeMs();
    const bootTimeMs = loadNative().bootTimeMs();
    expect(bootTimeMs).toBeGreaterThanOrEqual(before);
    // The file counts in hundredths of a second.
    expect(bootTimeMs).toBeLessThanOrEqual(uptimeMs() + 10);
  });

  it('tells when a process started, whatever its name', async () => {
    const name = 'a) R 1 2 (';
    const child = spawn('sh', ['-c', `printf '%s' "${name}" > /proc/$$/comm; read x`]);
    onTestFinished(() => void child.kill('SIGKILL'));
    const stat = () => readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    await until('renamed', () => stat().includes(name));
    const fields = stat()
      .slice(stat().lastIndexOf(')') + 2)
      .split(' ');
    expect(loadNative().processStartTime(child.pid ?? 0)).toBe(Number(fields[19]));
    expect(loadNative().processStartTime(2 ** 30)).toBeUndefined();
  });

  it('names the pid namespace', () => {
    expect(loadNative().pidNamespace()).toBe(statSync('/proc/self/ns/pid').ino);
  });
});

describe('the loader', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('says what to do when there is no addon for the platform', async () => {
    vi.resetModules();
    vi.stubGlobal('process', Object.create(process, { arch: { value: 'pdp11' } }));
    const fresh = await import('../../src/platform/native.js');
    expect(() => fresh.loadNative()).toThrow(
      expect.objectContaining({
        code: 'HOLDFAST_BACKEND_UNAVAILABLE',
        message: expect.stringMatching(
          /^Could not load the native addon ".*pdp11.*": .*\. Run "holdfast build-addon"/,
        ),
      }),
    );
  });
});
