// crowd.mjs KIND PATH PROCESSES MS: milliseconds of processor time per second that each of PROCESSES uses while all wait for one
// lock, from ten seconds after the last of them began to wait: until then a fresh process of Node's collects its garbage.
import { fork } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { contestant, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isWaiter = words[0] === 'waiter';
const [kind, path, processes, forMs] = isWaiter ? words.slice(1) : words;
const { take, report, wait, release, prepare } = await contestant(kind);

/** What the kernel's scheduler counted for all threads of a process. */
function usedMs(pid) {
  const threads = readdirSync(`/proc/${pid}/task`);
  const each = threads.map((id) => readFileSync(`/proc/${pid}/task/${id}/schedstat`, 'latin1').split(' ')[0]);
  return each.reduce((sum, ns) => sum + Number(ns) / 1e6, 0);
}

if (isWaiter) {
  process.once('disconnect', () => process.exit(0));
  const granted = (report ?? wait)(path);
  process.send('waiting');
  await release(await granted);
} else {
  prepare(path);
  const held = await take(path);
  const file = fileURLToPath(import.meta.url);
  const children = [];
  // A few at a time: their start is not what is measured.
  for (let n = 0; n < Number(processes); n += 4) {
    const few = Array.from({ length: Math.min(4, Number(processes) - n) }, () =>
      fork(file, ['waiter', kind, path, processes, forMs]),
    );
    await Promise.all(few.map((child) => new Promise((resolve) => child.once('message', resolve))));
    children.push(...few);
  }
  await pause(10_000);
  const before = children.map(({ pid }) => usedMs(pid));
  await pause(Number(forMs));
  const used = children.reduce((sum, { pid }, index) => sum + usedMs(pid) - before[index], 0);
  for (const child of children) child.kill('SIGKILL');
  await release(held);
  process.stdout.write(String(used / children.length / (Number(forMs) / 1e3)));
  process.exit(0);
}
