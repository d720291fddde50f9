import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, closeSync, existsSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LOCK_CREATE, LOCK_GATE } from '../../src/platform/native-contract.js';
import { loadNative } from '../../src/platform/native.js';
import { drive, isWaiting, lockLines, run, temporaryDirectory, until } from './observe.js';

const busy = -constants.errno.EWOULDBLOCK;
const take = (path: string, flags = LOCK_CREATE) => loadNative().tryLock(path, flags, 0o600, undefined);

function waitFor(path: string, flags = LOCK_CREATE): Promise<number> {
  return new Promise((resolve) => loadNative().waitLock(path, flags, 0o600, undefined, resolve));
}

describe.skipIf(process.platform !== 'linux')('flock between processes', () => {
  it('is refused while flock(1) holds, and granted when it ends', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const other = run('flock', [path, 'cat']);
    await until('flock(1) holds', () => lockLines(path).length > 0);
    expect(take(path)).toBe(busy);
    const granted = waitFor(path);
    await until('we wait', () => isWaiting(path, process.pid));
    other.child.stdin?.end();
    expect(loadNative().unlock(await granted)).toBe(0);
  });

  it('keeps flock(1) out until it is released', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = take(path);
    expect(await run('flock', ['-n', path, 'true']).ended).toBe(1);
    const other = run('flock', [path, 'echo', 'in']);
    await until('flock(1) waits', () => isWaiting(path, other.pid));
    loadNative().unlock(handle);
    expect(await other.line()).toBe('in');
  });

  it('passes to a waiter when the holder is killed', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const holder = drive('hold', path);
    await holder.line();
    const waiter = drive('wait', path);
    expect(await waiter.line()).toBe('waiting');
    await until('it waits', () => isWaiting(path, waiter.pid));
    holder.child.kill('SIGKILL');
    expect(await waiter.line()).toBe('granted');
    expect(take(path)).toBe(busy);
  });

  it.each(['replaced', 'moved away'])(
    'locks what the path names when the file was %s during the wait',
    async (how) => {
      const path = join(temporaryDirectory(), 'a.lock');
      const first = take(path);
      const granted = waitFor(path);
      await until('we wait', () => isWaiting(path, process.pid));
      if (how === 'moved away') renameSync(path, `${path}.old`);
      writeFileSync(`${path}.new`, '');
      renameSync(`${path}.new`, path);
      loadNative().unlock(first);
      const second = await granted;
      expect(loadNative().verify(second)).toBe(1);
      expect(await run('flock', ['-n', path, 'true']).ended).toBe(1);
      loadNative().unlock(second);
    },
  );

  it.each([
    ['creates it anew', LOCK_CREATE],
    ['says that it is gone', 0],
  ])('%s when the file was unlinked during the wait, by flag', async (_, flags) => {
    const path = join(temporaryDirectory(), 'a.lock');
    const first = take(path);
    const granted = waitFor(path, flags);
    await until('we wait', () => isWaiting(path, process.pid));
    unlinkSync(path);
    loadNative().unlock(first);
    const result = await granted;
    expect(existsSync(path)).toBe(flags === LOCK_CREATE);
    if (flags === LOCK_CREATE) expect(loadNative().unlock(result)).toBe(0);
    else expect(result).toBe(-constants.errno.ENOENT);
  });

  it('lets a writer in among readers that never leave the lock free', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    for (const readers of [drive('readers', path), drive('readers', path)]) await readers.line();
    await until('all read', () => lockLines(path).filter((line) => line.includes(' READ ')).length >= 6);
    for (let i = 0; i < 5; i++) {
      const handle = await waitFor(path, LOCK_CREATE | LOCK_GATE);
      const mine = lockLines(path).filter((line) => !line.includes('->'));
      expect(mine).toEqual([expect.stringContaining(' WRITE ')]);
      loadNative().unlock(handle);
    }
  });

  it('lives on in the child that inherited the descriptor after abandon', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = take(path);
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', loadNative().descriptor(handle)] });
    onTestFinished(() => void child.kill('SIGKILL'));
    expect(loadNative().abandon(handle)).toBe(0);
    expect(take(path)).toBe(busy);
    child.stdin?.end();
    loadNative().unlock(await waitFor(path));
  });

  it('is freed by unlock although a child inherited the descriptor', () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = take(path);
    const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', loadNative().descriptor(handle)] });
    onTestFinished(() => void child.kill('SIGKILL'));
    loadNative().unlock(handle);
    expect(loadNative().unlock(take(path))).toBe(0);
  });

  it('locks an inherited descriptor for as long as anybody has it', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const other = drive('hold', path);
    await other.line();
    const fd = openSync(path, 'r');
    expect(loadNative().tryLockDescriptor(fd, 0)).toBe(busy);
    const granted = new Promise((resolve) => loadNative().waitLockDescriptor(fd, 0, resolve));
    await until('we wait', () => isWaiting(path, process.pid));
    other.child.stdin?.end('go\n');
    expect(await granted).toBe(0);
    expect(take(path)).toBe(busy);
    closeSync(fd);
    expect(loadNative().unlock(take(path))).toBe(0);
  });

  it.skipIf(process.getuid?.() !== 0)('locks a FIFO that it may only read, without blocking', async () => {
    const directory = temporaryDirectory();
    const path = join(directory, 'fifo');
    execFileSync('mkfifo', ['-m', '444', path]);
    chmodSync(directory, 0o755);
    expect(await drive('unprivileged', path).line()).toBe('true');
  });

  it('blocks a thread that asks for it until the holder is gone', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const handle = take(path);
    const other = drive('blocking', path);
    expect(await other.line()).toBe('blocking');
    await until('it waits', () => isWaiting(path, other.pid));
    loadNative().unlock(handle);
    expect(await other.line()).toBe('true');
    expect(await other.ended).toBe(0);
  });
});
