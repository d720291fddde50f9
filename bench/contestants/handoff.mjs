// handoff.mjs KIND PATH N: median microseconds from a release here to the grant in a process that waits.
// With "waiter" as KIND's forerunner it is that process.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { median } from '../harness.mjs';
import { contestant, nowUs, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isWaiter = words[0] === 'waiter';
const [kind, path, count] = isWaiter ? words.slice(1) : words;
const { take, wait, release, prepare } = await contestant(kind);

if (isWaiter) {
  // oxlint-disable-next-line typescript/no-misused-promises -- a rejection ends the process, as it should
  process.on('message', async () => {
    const held = await wait(path);
    const at = nowUs();
    await release(held);
    process.send(at);
  });
} else {
  prepare(path);
  const child = fork(fileURLToPath(import.meta.url), ['waiter', kind, path]);
  const samples = [];
  for (let i = 0; i < Number(count) + 10; i++) {
    const held = await take(path);
    const granted = new Promise((resolve) => child.once('message', resolve));
    child.send('wait');
    // Long enough for the waiter to be asleep in the kernel or in its polling, whatever it does.
    await pause(5 + Math.random() * 5);
    const at = nowUs();
    await release(held);
    samples.push((await granted) - at);
  }
  child.disconnect();
  process.stdout.write(String(median(samples.slice(10))));
  process.exit(0);
}
