// blocked.mjs KIND PATH MS: milliseconds of processor time that a waiter uses in MS of waiting, all its threads together.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { contestant, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isWaiter = words[0] === 'waiter';
const [kind, path, blockedMs] = isWaiter ? words.slice(1) : words;
const { take, wait, release, prepare } = await contestant(kind);

if (isWaiter) {
  const granted = wait(path);
  await pause(500);
  const before = process.cpuUsage();
  await pause(Number(blockedMs));
  const used = process.cpuUsage(before);
  process.send((used.user + used.system) / 1e3);
  await release(await granted);
  process.exit(0);
} else {
  prepare(path);
  const held = await take(path);
  const child = fork(fileURLToPath(import.meta.url), ['waiter', kind, path, blockedMs]);
  const used = await new Promise((resolve) => child.once('message', resolve));
  await release(held);
  process.stdout.write(String(used));
  process.exit(0);
}
