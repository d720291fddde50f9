// The contestants, each as `take(path)`, which resolves to (or, for synchronous ones, returns) its release.
// Loaded one at a time, because some change what others see: proper-lockfile patches fs.
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const holdfast = () => import('../../dist/index.js');

export const KINDS = {
  async 'holdfast sync'() {
    const { acquireSync } = await holdfast();
    const options = { record: false };
    return {
      take: (path) => acquireSync(path, options),
      release: (guard) => void guard.release(),
      isSync: true,
    };
  },
  async 'holdfast sync, record'() {
    const { acquireSync } = await holdfast();
    return { take: (path) => acquireSync(path), release: (guard) => void guard.release(), isSync: true };
  },
  async 'holdfast, no record'() {
    const { acquire } = await holdfast();
    const options = { record: false };
    return { take: (path) => acquire(path, options), release: (guard) => guard.release() };
  },
  async holdfast() {
    const { acquire } = await holdfast();
    return {
      take: (path) => acquire(path, { timeoutMs: Infinity }),
      release: (guard) => guard.release(),
      share: (path) => acquire(path, { mode: 'shared', timeoutMs: Infinity }),
      // As the command waits: with progress to show, and an eye on deadlocks.
      report: (path) => acquire(path, { timeoutMs: Infinity, onWait: () => undefined }),
    };
  },
  /** No lock at all: what a process of Node's costs that wakes once a second. */
  'one timer'() {
    return {
      take: () => 0,
      wait: () => new Promise(() => setInterval(() => undefined, 1_000)),
      release: () => undefined,
    };
  },
  async 'holdfast memory:'() {
    const { acquire } = await holdfast();
    return { take: () => acquire('memory:#bench'), release: (guard) => guard.release() };
  },
  'async-mutex'() {
    const { Mutex } = require('async-mutex');
    const mutex = new Mutex();
    return { take: () => mutex.acquire(), release: (release) => release() };
  },
  'fs-ext'() {
    const { flock, flockSync } = require('fs-ext');
    return {
      take: (path) => {
        const fd = openSync(path, 'a+');
        flockSync(fd, 'exnb');
        return fd;
      },
      wait: (path) =>
        new Promise((resolve, reject) => {
          const fd = openSync(path, 'a+');
          flock(fd, 'ex', (error) => (error ? reject(error) : resolve(fd)));
        }),
      release: (fd) => {
        flockSync(fd, 'un');
        closeSync(fd);
      },
      isSync: true,
    };
  },
  'fs-native-extensions'() {
    const { tryLock, waitForLock, unlock } = require('fs-native-extensions');
    return {
      take: (path) => {
        const fd = openSync(path, 'a+');
        if (!tryLock(fd)) throw new Error('held');
        return fd;
      },
      async wait(path) {
        const fd = openSync(path, 'a+');
        await waitForLock(fd);
        return fd;
      },
      release: (fd) => {
        unlock(fd);
        closeSync(fd);
      },
      isSync: true,
    };
  },
  'proper-lockfile'() {
    const { lock } = require('proper-lockfile');
    const retries = { forever: true, factor: 1, minTimeout: 100, maxTimeout: 100 };
    return {
      // Everything at its default, for which the file must be there.
      prepare: (path) => writeFileSync(path, ''),
      take: (path) => lock(path, { retries }),
      release: (release) => release(),
    };
  },
  lockfile() {
    const { lock, unlock } = require('lockfile');
    return {
      take: (path) =>
        new Promise((resolve, reject) =>
          lock(path, { wait: 60_000, pollPeriod: 100 }, (error) => (error ? reject(error) : resolve(path))),
        ),
      release: (path) =>
        new Promise((resolve, reject) => unlock(path, (error) => (error ? reject(error) : resolve()))),
    };
  },
  'cross-process-lock'() {
    const { lock } = require('cross-process-lock');
    return {
      prepare: (path) => writeFileSync(path, ''),
      take: (path) => lock(path, { waitTimeout: 60_000 }),
      release: (unlock) => unlock(),
    };
  },
};

/** A contestant with everything that a measurement may ask for. */
export async function contestant(kind) {
  const made = await KINDS[kind]();
  return { wait: made.take, prepare: () => {}, ...made };
}

export const pause = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs));

/** Blocks this thread without using the processor, as a section of work that waits for a disk does. */
const cell = new Int32Array(new SharedArrayBuffer(4));
export const blockFor = (delayMs) => void Atomics.wait(cell, 0, 0, delayMs);

export const nowUs = () => Number(process.hrtime.bigint()) / 1e3;
