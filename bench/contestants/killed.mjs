// killed.mjs KIND PATH N: median milliseconds from SIGKILL of the holder to the grant of the one that waits.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { median } from '../harness.mjs';
import { contestant, nowUs, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isHolder = words[0] === 'holder';
const [kind, path, count] = isHolder ? words.slice(1) : words;
const { take, wait, release, prepare } = await contestant(kind);

if (isHolder) {
  globalThis.held = await take(path);
  process.send('held');
  setInterval(() => {}, 60_000);
} else {
  prepare(path);
  const samples = [];
  for (let i = 0; i < Number(count); i++) {
    const child = fork(fileURLToPath(import.meta.url), ['holder', kind, path]);
    await new Promise((resolve) => child.once('message', resolve));
    const granted = Promise.resolve(wait(path));
    await pause(20 + Math.random() * 10);
    const at = nowUs();
    child.kill('SIGKILL');
    const held = await granted;
    samples.push((nowUs() - at) / 1e3);
    await release(held);
  }
  process.stdout.write(String(median(samples)));
  process.exit(0);
}
