import { renameSync, symlinkSync, truncateSync, unlinkSync, writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { kernelFileKey } from '../../src/platform/mounts.js';
import { processStartTime } from '../../src/platform/identity.js';
import { heldLocks, readLockTable, readLockTableSync } from '../../src/platform/lock-table.js';
import { waitGraph } from '../../src/platform/wait-graph.js';
import { bundleSource } from '../support/bundle.js';
import { testDirectory } from '../support/directory.js';
import {
  eventually,
  isGone,
  killAfterTest,
  start,
  startShell,
  type TestChild,
} from '../support/processes.js';

function lockFile(): string {
  const file = join(testDirectory(), 'build.lock');
  writeFileSync(file, 'content\n');
  return file;
}

/** Holds the lock until its input ends. */
async function hold(file: string, flag = '-x'): Promise<TestChild> {
  const child = startShell(`exec 9<"${file}"; flock ${flag} 9; echo held; read line`);
  await child.line(/^held$/);
  return child;
}

async function wait(file: string, flag = '-x'): Promise<TestChild> {
  const child = start('flock', [flag, file, 'true']);
  await eventually('a waiter', () => readLockTableSync(file).waiters.some(({ pid }) => pid === child.pid));
  return child;
}

test('a free file is free, and so is one that does not exist', async () => {
  const file = lockFile();
  expect(await readLockTable(file)).toEqual({ holders: [], waiters: [], isHeld: false });
  expect(await readLockTable(`${file}.none`)).toEqual({ holders: [], waiters: [], isHeld: false });
});

test('an exclusive holder who shares its lock with a dead taker is named', async () => {
  const file = lockFile();
  const child = await hold(file);
  // flock(1) on a descriptor number takes the lock for the shell and ends: the taker is dead.
  expect(await readLockTable(file)).toEqual({
    isHeld: true,
    waiters: [],
    holders: [
      {
        pid: child.pid,
        mode: 'exclusive',
        startTime: processStartTime(child.pid),
        program: 'sh',
        isTaker: false,
        isConfirmed: true,
      },
    ],
  });
  child.process.stdin?.end('\n');
  await child.exited;
  expect((await readLockTable(file)).isHeld).toBe(false);
});

test('a living taker is named as such', async () => {
  const file = lockFile();
  const child = start('flock', ['--close', file, 'cat']);
  await eventually('held', () => readLockTableSync(file).isHeld);
  expect(readLockTableSync(file).holders).toMatchObject([
    { pid: child.pid, isTaker: true, isConfirmed: true },
  ]);
});

test('all shared holders are named', async () => {
  const file = lockFile();
  const children = [await hold(file, '-s'), await hold(file, '-s')];
  const { holders } = await readLockTable(file);
  expect(new Set(holders.map(({ pid }) => pid))).toEqual(new Set(children.map(({ pid }) => pid)));
  expect(holders.map(({ mode }) => mode)).toEqual(['shared', 'shared']);
});

test('waiters are named with their mode and are no holders', async () => {
  const file = lockFile();
  const holder = await hold(file);
  const writer = await wait(file);
  const reader = await wait(file, '-s');
  const { holders, waiters } = await readLockTable(file);
  expect(holders.map(({ pid }) => pid)).toEqual([holder.pid]);
  expect(waiters).toHaveLength(2);
  expect(waiters).toContainEqual({ pid: writer.pid, mode: 'exclusive' });
  expect(waiters).toContainEqual({ pid: reader.pid, mode: 'shared' });
});

test('when the wrapper is killed, the child that inherited the lock is named', async () => {
  const file = lockFile();
  const wrapper = start('flock', [file, 'sh', '-c', 'echo $$; exec sleep 600']);
  const pid = Number((await wrapper.line(/^(\d+)$/))[1]);
  killAfterTest(pid);
  process.kill(wrapper.pid, 'SIGKILL');
  await eventually('the wrapper is gone', () => isGone(wrapper.pid));
  expect(await readLockTable(file)).toMatchObject({ isHeld: true, holders: [{ pid, isTaker: false }] });
});

test('truncating and renaming leave the lock; unlink and a new file do not inherit it', async () => {
  const file = lockFile();
  const child = await hold(file);
  truncateSync(file, 0);
  expect(readLockTableSync(file).holders).toMatchObject([{ pid: child.pid }]);
  renameSync(file, `${file}.moved`);
  expect(readLockTableSync(`${file}.moved`).holders).toMatchObject([{ pid: child.pid }]);
  renameSync(`${file}.moved`, file);
  unlinkSync(file);
  writeFileSync(file, '');
  expect(readLockTableSync(file)).toEqual({ holders: [], waiters: [], isHeld: false });
});

test('symlinks and directories reach the same lock', async () => {
  const directory = testDirectory();
  const child = await hold(directory);
  symlinkSync(directory, `${directory}/link`);
  expect(readLockTableSync(`${directory}/link`).holders).toMatchObject([{ pid: child.pid }]);
});

async function inspectInside(prefix: string, file: string, mounts = ':'): Promise<unknown> {
  const bundle = await bundleSource('platform/lock-table.ts');
  const script = `console.log(JSON.stringify(require(${JSON.stringify(bundle)}).readLockTableSync(process.argv[1])))`;
  const shell = `${mounts}; ${prefix} "$0" -e '${script}' "$1"`;
  const child = start('unshare', [
    '-Urm',
    '--pid',
    '--fork',
    '--mount-proc',
    'sh',
    '-c',
    shell,
    process.execPath,
    file,
  ]);
  const { stdout } = await child.exited;
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n', stdout.length - 2) + 1));
}

test('in another pid namespace a lock from outside is not seen, and not taken for free', async () => {
  const file = lockFile();
  await hold(file);
  expect(await inspectInside('', file)).toEqual({ holders: [], waiters: [] });
});

test('in another pid namespace the lock of a dead taker is found through its heir', async () => {
  const file = lockFile();
  // /proc/locks hides it there: a dead taker has no number in that namespace.
  expect(await inspectInside('exec 9<"$1"; flock 9;', file)).toMatchObject({
    isHeld: true,
    holders: [{}, {}],
  });
});

test('on overlayfs the lock is found although stat reports another device', async () => {
  const root = testDirectory();
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(root, name));
  const options = `lowerdir=${root}/lower,upperdir=${root}/upper,workdir=${root}/work`;
  const table = await inspectInside(
    'flock "$1"',
    `${root}/merged/f`,
    // Layers on two file systems: only then stat reports a device that is not the mount's.
    `mount -t tmpfs none "${root}/lower" && : >"${root}/lower/f" &&
     mount -t overlay overlay -o "${options}" "${root}/merged" &&
     [ $(stat -c %d "${root}/merged") != $(stat -c %d "${root}/merged/f") ] || exit 1`,
  );
  expect(table).toMatchObject({ isHeld: true, holders: [{ isTaker: true }] });
});

test('equal inode numbers on two file systems are not mixed up', async () => {
  const root = testDirectory();
  for (const name of ['a', 'b']) mkdirSync(join(root, name));
  const table = await inspectInside(
    `flock "${root}/b/f"`,
    `${root}/a/f`,
    `for d in a b; do mount -t tmpfs none "${root}/$d"; : >"${root}/$d/f"; done; [ "$(stat -c %i "${root}"/?/f | uniq | wc -l)" = 1 ] || exit 1`,
  );
  expect(table).toEqual({ holders: [], waiters: [] });
});

test('heldLocks lists every lock by key, and the graph shows who waits for whom', async () => {
  const [first, second] = [lockFile(), lockFile()];
  const holder = await hold(first);
  await hold(second);
  const waiter = await wait(first);
  const locks = await heldLocks();
  const key = kernelFileKey(first) ?? '';
  expect(locks.map((lock) => lock.key)).toEqual(expect.arrayContaining([key, kernelFileKey(second)]));
  const graph = waitGraph(locks);
  expect(graph.heldBy.get(key)).toEqual([holder.pid]);
  expect(graph.waitsFor.get(waiter.pid)).toEqual([key]);
  expect(graph.waitsFor.has(holder.pid)).toBe(false);
});

test('a deadlock shows as a cycle', async () => {
  const [first, second] = [lockFile(), lockFile()];
  const cross = (own: string, other: string): TestChild =>
    startShell(`exec 8<"${own}" 9<"${other}"; flock 8; echo held; read line; exec flock 9`);
  const children = [cross(first, second), cross(second, first)];
  for (const child of children) await child.line(/^held$/);
  for (const child of children) child.process.stdin?.write('go\n');
  const isWaiting = (file: string): boolean => readLockTableSync(file).waiters.length === 1;
  await eventually('both wait', () => isWaiting(first) && isWaiting(second));
  const { waitsFor, heldBy } = waitGraph(await heldLocks());
  const next = (pid: number): number | undefined => heldBy.get(waitsFor.get(pid)?.[0] ?? '')?.[0];
  const [a, b] = children.map(({ pid }) => pid) as [number, number];
  expect([next(a), next(b)]).toEqual([b, a]);
});

test('processes that come and go during scans do no harm', async () => {
  const file = lockFile();
  const holder = await hold(file);
  startShell('while :; do /bin/true & done');
  const deadline = performance.now() + 500;
  while (performance.now() < deadline) {
    expect((await readLockTable(file)).holders.map(({ pid }) => pid)).toEqual([holder.pid]);
  }
});
