// argv: what (inspect, ls, stat, take, create), directory, locks. Prints milliseconds of one inspect while so many locks are
// held, of one `holdfast ls` over so many lock files, or of a stat of each of them; microseconds per lock of taking new ones
// and keeping them, or of creating and writing as many files.
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { acquire, inspect } from '../../dist/index.js';

const [, , what, parent, locks] = process.argv;
const directory = join(parent, `${what}-${locks}`);
if (what === 'take' || what === 'create') await makeNew();
const isNew = !existsSync(directory);
mkdirSync(directory, { recursive: true });
const paths = Array.from({ length: Number(locks) }, (_, i) => join(directory, `x${i}.lock`));
const guards = [];
if (isNew || what === 'inspect') {
  for (const path of paths) {
    const guard = await acquire(path);
    if (what === 'inspect') guards.push(guard);
    else await guard.release();
  }
}
const command = fileURLToPath(new URL('../../dist/bin/holdfast.cjs', import.meta.url));
const works = {
  inspect: () => inspect(paths[7]),
  ls: () => {
    const { status } = spawnSync(process.execPath, [command, 'ls', directory], { maxBuffer: 2 ** 28 });
    if (status !== 0) throw new Error(`ls ended with ${status}.`);
  },
  stat: () => paths.forEach((path) => statSync(path)),
};
const times = what === 'ls' ? 1 : 5;
const begin = process.hrtime.bigint();
for (let i = 0; i < times; i++) await works[what]();
console.log(Number(process.hrtime.bigint() - begin) / 1e6 / times);
for (const guard of guards) await guard.release();

/** Prints, and ends this process. The first hundred are warm-up. */
async function makeNew() {
  mkdirSync(directory, { recursive: true });
  const text = 'x'.repeat(200);
  const kept = [];
  const make = {
    take: async (path) => kept.push(await acquire(path)),
    create: (path) => {
      const file = openSync(path, 'wx');
      writeSync(file, text);
      kept.push(file);
    },
  };
  for (let i = 0; i < 100; i++) await make[what](join(directory, `w${i}.lock`));
  const start = process.hrtime.bigint();
  for (let i = 0; i < Number(locks); i++) await make[what](join(directory, `n${i}.lock`));
  console.log(Number(process.hrtime.bigint() - start) / 1e3 / Number(locks));
  for (const each of kept) await (what === 'take' ? each.release() : closeSync(each));
  rmSync(directory, { recursive: true });
  process.exit(0);
}
