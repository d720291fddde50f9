// node lock-driver.mjs ACTION ARGUMENTS...: what a test wants done through the public API, in a process of its own.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';

import * as holdfast from '../../dist/index.js';

const { acquire, cleanLockFiles, tryAcquire, withReadLock, withWriteLock } = holdfast;
const [action, path, ...rest] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${value}\n`);
const count = (directory) => readdirSync(`/proc/self/${directory}`).length;
const asked = () =>
  new Promise((resolve) => {
    process.stdin.once('data', () => {
      process.stdin.destroy();
      resolve();
    });
  });

/** One worker thread that waits or holds, ended in the middle of it. */
async function endWorker(mode, round) {
  const inTheWay = mode === 'wait' ? await acquire(path) : undefined;
  const worker = new Worker(new URL('lock-worker.mjs', import.meta.url), { workerData: { path, mode } });
  await new Promise((resolve) => worker.once('message', resolve));
  const ending = worker.terminate();
  // Every second grant races with the end of the thread.
  if (round % 2 === 0) await inTheWay?.release();
  await ending;
  await inTheWay?.release();
  await (await acquire(path, { timeoutMs: Infinity })).release();
}

const actions = {
  /** Holds until a line comes in, or for good. */
  async hold() {
    const guard = await acquire(path, { mode: rest[0] ?? 'exclusive' });
    say('held');
    await asked();
    await guard.release();
  },

  /** Adds to a number in a file, each time under its write lock. */
  async increments() {
    for (let n = Number(rest[0]); n > 0; n--) {
      await withWriteLock(path, { timeoutMs: Infinity }, () => {
        writeFileSync(path, String(Number(readFileSync(path, 'utf8')) + 1));
      });
    }
    say('done');
  },

  async cleaner() {
    let removed = 0;
    let isOver = false;
    void asked().then(() => (isOver = true));
    say('cleaning');
    while (!isOver) {
      removed += (await cleanLockFiles(path)).removed.length;
      await sleep(0);
    }
    say(removed);
  },

  /** Shared holds of 5 ms, one right after the other, of the file itself. */
  async fileReader() {
    for (let n = 0; ; n++) {
      const guard = await acquire(path, { mode: 'shared', timeoutMs: Infinity });
      await sleep(5);
      await guard.release();
      if (n === 0) say('reading');
    }
  },

  /** Likewise, of the lock beside it. */
  async reader() {
    for (let n = 0; ; n++) {
      await withReadLock(path, { timeoutMs: Infinity }, () => sleep(5));
      if (n === 0) say('reading');
    }
  },

  async terminate() {
    const [mode, rounds] = rest;
    await endWorker(mode, 0);
    const before = count('fd');
    for (let round = 1; round < Number(rounds); round++) await endWorker(mode, round);
    while (count('fd') > before) await sleep(1);
    say('free');
  },

  /** Children, forked while the lock is held, that live on. */
  async forker() {
    const guard = await acquire(path);
    const children = Array.from({ length: 8 }, () => spawn('sleep', ['60'], { stdio: 'ignore' }));
    execFileSync('true');
    say(children.map(({ pid }) => pid).join(' '));
    if (rest[0] === 'release') await guard.release();
    say('ready');
    await asked();
    for (const child of children) child.kill('SIGKILL');
  },

  /** Needs --expose-gc. */
  async forget() {
    await acquire(path);
    for (let n = 0; n < 10; n++) {
      globalThis.gc();
      await sleep(1);
    }
    say(spawnSync('flock', ['-n', path, 'true']).status === 0 ? 'free' : 'held');
    say((await tryAcquire(path)) === undefined ? 'held' : 'free');
  },

  async exhaust() {
    // What node opens when it first needs it.
    await (await acquire(path)).release();
    const held = await acquire(`${path}.held`);
    const open = [];
    const outcome = (attempt) =>
      attempt.then(
        () => 'held',
        (error) => `${error.code} ${error.cause?.code}`,
      );
    try {
      for (;;) open.push(openSync('/dev/null'));
    } catch {
      say(await outcome(acquire(path)));
      say(await outcome(tryAcquire(path)));
      say(await outcome(acquire(`${path}.held`, { timeoutMs: 100 })));
    }
    open.forEach((fd) => closeSync(fd));
    await held.release();
    await (await acquire(path)).release();
    await (await acquire(`${path}.held`)).release();
    say('recovered');
  },

  /** An end of the asked kind with one wait in the kernel and one in the queue. */
  async end() {
    void acquire(path, { timeoutMs: Infinity }).then((guard) => {
      say('granted');
      return guard.release();
    });
    void acquire(path, { timeoutMs: Infinity }).then((guard) => guard.release());
    await sleep(20);
    say('waiting');
    if (rest[0] === 'exit') process.exit(7);
    if (rest[0] === 'throw')
      setImmediate(() => {
        throw new Error('planned');
      });
  },
};

await actions[action]();
