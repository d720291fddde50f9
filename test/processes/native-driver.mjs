// node native-driver.mjs ACTION PATH [...]: what a test wants done in a process of its own.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { addon, CREATE, GATE, SHARED, wait } from './native-addon.mjs';

const [action, path, ...rest] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${value}\n`);
const count = (directory) => readdirSync(`/proc/self/${directory}`).length;

function take(flags = CREATE, record) {
  const handle = addon.tryLock(path, flags, 0o600, record);
  if (handle <= 0) throw new Error(`tryLock: ${handle}`);
  return handle;
}

async function settled(baseline) {
  while (count('fd') > baseline.fd || count('task') > baseline.task) await sleep(1);
}

function spin(microseconds) {
  const end = performance.now() + microseconds / 1000;
  while (performance.now() < end);
}

const actions = {
  /** Holds until a line comes in. */
  async hold() {
    const handle = take();
    say('held');
    process.stdin.once('data', () => {
      addon.unlock(handle);
      process.stdin.destroy();
    });
  },

  async wait() {
    const { result } = wait(path, CREATE | GATE);
    say('waiting');
    say((await result) > 0 ? 'granted' : `failed ${await result}`);
    await new Promise((resolve) => process.stdin.once('data', resolve));
    process.stdin.destroy();
  },

  /** Nanoseconds that the waiting thread was on a processor in a second. */
  async idle() {
    const before = new Set(readdirSync('/proc/self/task'));
    wait(path, CREATE);
    const [thread] = readdirSync('/proc/self/task').filter((task) => !before.has(task));
    const used = () => Number(readFileSync(`/proc/self/task/${thread}/schedstat`, 'utf8').split(' ')[0]);
    const isAsleep = () => readFileSync(`/proc/self/task/${thread}/stat`, 'utf8').includes(') S ');
    while (!isAsleep()) await sleep(1);
    await sleep(10);
    const start = used();
    await sleep(1000);
    say(used() - start);
    process.exit(0);
  },

  /** 256 blocked waits, then file calls, then an end of the asked kind. */
  async crowd() {
    for (let i = 0; i < 256; i++) wait(path, CREATE);
    for (let i = 0; i < 32; i++) await readFile(path);
    say('read');
    if (rest[0] === 'exit') process.exit(7);
    if (rest[0] === 'throw')
      setImmediate(() => {
        throw new Error('planned');
      });
  },

  /** Cancels at random moments, first of a lock that stays held, then of one that comes and goes. */
  async storm() {
    const rounds = Number(rest[0]);
    const tally = { granted: 0, cancelled: 0 };
    const baseline = { fd: count('fd'), task: count('task') };
    const once = async (spread) => {
      const { id, result } = wait(path, CREATE);
      spin(Math.random() * spread);
      if (Math.random() < 0.1) await sleep(0);
      addon.cancelWait(id);
      const outcome = await result;
      if (outcome > 0) addon.unlock(outcome);
      else if (outcome !== -125) throw new Error(`outcome ${outcome}`);
      tally[outcome > 0 ? 'granted' : 'cancelled']++;
    };
    const held = take();
    for (let i = 0; i < rounds; i++) await once(60);
    addon.unlock(held);
    await settled(baseline);
    say(JSON.stringify(tally));
    const toggler = new Worker(new URL('native-worker.mjs', import.meta.url), {
      workerData: { path, mode: 'toggle' },
    });
    await new Promise((resolve) => toggler.once('message', resolve));
    const busy = { fd: count('fd') + 1, task: count('task') };
    for (let i = 0; i < rounds; i += 50) await Promise.all(Array.from({ length: 50 }, () => once(20)));
    await settled(busy);
    await toggler.terminate();
    const last = take();
    addon.unlock(last);
    say(JSON.stringify(tally));
  },

  /**
   * 1. the waiting thread decides to block (the shim holds it there for 100 ms)
   * 2. we cancel: its one signal finds it awake and is lost
   * 3. it blocks
   */
  async late() {
    if (process.env.LD_PRELOAD === undefined) {
      const env = { ...process.env, LD_PRELOAD: rest[0] };
      process.exitCode = spawnSync(process.execPath, process.argv.slice(1), { env, stdio: 'inherit' }).status;
      return;
    }
    const held = take();
    const { id, result } = wait(path, CREATE);
    await sleep(50);
    addon.cancelWait(id);
    say(await result);
    addon.unlock(held);
  },

  /** Worker threads that end while they wait, or hold, must leave a free lock behind. */
  async terminate() {
    const [mode, rounds] = rest;
    let fd = 0;
    for (let i = 0; i < Number(rounds); i++) {
      // The first worker opens what node keeps.
      if (i === 1) fd = count('fd');
      const held = mode === 'wait' ? take() : 0;
      const worker = new Worker(new URL('native-worker.mjs', import.meta.url), {
        workerData: { path, mode },
      });
      await new Promise((resolve) => worker.once('message', resolve));
      const end = worker.terminate();
      // Half of the grants race with the end of the worker.
      if (held > 0 && i % 2 === 0) addon.unlock(held);
      await end;
      if (held > 0 && i % 2 === 1) addon.unlock(held);
      let handle = addon.tryLock(path, CREATE, 0o600, undefined);
      // The waiting thread may hold what it is about to give back.
      while (handle === -11 && mode === 'wait') handle = addon.tryLock(path, CREATE, 0o600, undefined);
      if (handle <= 0) throw new Error(`round ${i}: ${handle}`);
      addon.unlock(handle);
    }
    while (count('fd') > fd) await sleep(1);
    say('free');
  },

  /** Readers that overlap so that the lock is never free. */
  async readers() {
    say('reading');
    const loop = async (index) => {
      await sleep(index);
      for (;;) {
        let handle = addon.tryLock(path, SHARED | CREATE | GATE, 0o600, undefined);
        if (handle === -11) handle = await wait(path, SHARED | CREATE | GATE).result;
        await sleep(5);
        addon.unlock(handle);
      }
    };
    await Promise.all([0, 1, 2, 3].map(loop));
  },

  async unprivileged() {
    process.setgroups([]);
    process.setgid(65534);
    process.setuid(65534);
    say(take() > 0);
  },

  async exhaust() {
    const { openSync, closeSync } = await import('node:fs');
    const open = [];
    try {
      for (;;) open.push(openSync('/dev/null'));
    } catch {
      say(addon.tryLock(path, CREATE, 0o600, undefined));
      say(await wait(path, CREATE).result);
    }
    open.forEach((fd) => closeSync(fd));
    say(addon.tryLock(path, CREATE, 0o600, undefined) > 0);
  },

  async blocking() {
    say('blocking');
    say(addon.lockBlocking(path, CREATE | GATE, 0o600, undefined, Infinity) > 0);
  },
};

await actions[action]();
