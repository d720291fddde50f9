// writer.mjs KIND PATH READERS CAP_MS: median milliseconds that a writer waits among readers that overlap; at most the cap.
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { median } from '../harness.mjs';
import { blockFor, contestant, nowUs, pause } from './kinds.mjs';

const words = process.argv.slice(2);
const isReader = words[0] === 'reader';
const [kind, path, readers] = isReader ? words.slice(1) : words;
const { share, take, release, prepare } = await contestant(kind);

if (isReader) {
  await release(await share(path));
  process.send('ready');
  for (;;) {
    const held = await share(path);
    blockFor(5);
    await release(held);
  }
} else {
  prepare(path);
  const file = fileURLToPath(import.meta.url);
  const children = Array.from({ length: Number(readers) }, () => fork(file, ['reader', kind, path]));
  await Promise.all(children.map((child) => new Promise((resolve) => child.once('message', resolve))));
  await pause(100);
  const samples = [];
  for (let i = 0; i < 15; i++) {
    const at = nowUs();
    const held = await take(path);
    samples.push((nowUs() - at) / 1e3);
    await release(held);
    await pause(20);
  }
  for (const child of children) child.kill('SIGKILL');
  process.stdout.write(String(median(samples)));
  process.exit(0);
}
