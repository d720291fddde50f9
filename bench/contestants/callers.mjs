// callers.mjs KIND PATH N: microseconds per caller when N of one process want one lock at once, and the threads that came.
import { readdirSync } from 'node:fs';

import { median } from '../harness.mjs';
import { contestant, nowUs } from './kinds.mjs';

const [kind, path, count] = process.argv.slice(2);
const { take, release, prepare } = await contestant(kind);
prepare(path);
const threads = () => readdirSync('/proc/self/task').length;

async function once() {
  const start = nowUs();
  await Promise.all(Array.from({ length: Number(count) }, async () => release(await take(path))));
  return (nowUs() - start) / Number(count);
}

await release(await take(path));
const before = threads();
for (let i = 0; i < 10; i++) await once();
const samples = [];
for (let i = 0; i < 15; i++) samples.push(await once());
const time = median(samples);
process.stdout.write(JSON.stringify({ time, threads: threads() - before }));
process.exit(0);
