// argv: who, directory, callers. Prints microseconds per caller when so many of one process want one lock at once.
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { median } from '../harness.mjs';

const [, , who, directory, callers] = process.argv;
const require = createRequire(import.meta.url);
const path = join(directory, 'callers.lock');
const work = () => 0;
const contestants = {
  async holdfast() {
    const { withLock } = await import('../../dist/index.js');
    return () => withLock(path, work);
  },
  async 'holdfast, no record'() {
    const { withLock } = await import('../../dist/index.js');
    return () => withLock(path, { record: false }, work);
  },
  async 'holdfast memory:'() {
    const { withLock } = await import('../../dist/index.js');
    return () => withLock('memory:#callers', work);
  },
  'async-mutex'() {
    const { Mutex } = require('async-mutex');
    const mutex = new Mutex();
    return () => mutex.runExclusive(work);
  },
  async 'p-limit'() {
    const { default: pLimit } = await import('p-limit');
    const limit = pLimit(1);
    return () => limit(work);
  },
};
const call = await contestants[who]();
const count = Number(callers);

async function once(callersNow) {
  const begin = process.hrtime.bigint();
  await Promise.all(Array.from({ length: callersNow }, call));
  return Number(process.hrtime.bigint() - begin) / 1e3 / callersNow;
}
for (let i = 0; i < 5; i++) await once(2_000);
const samples = [];
for (let i = 0; i < Math.max(1, Math.min(15, 50_000 / count)); i++) samples.push(await once(count));
console.log(median(samples));
