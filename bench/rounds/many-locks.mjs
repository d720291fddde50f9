// argv: what (inspect, ls, stat), directory, locks. Prints milliseconds of one inspect while so many locks are held, of
// one `holdfast ls` over so many lock files, or of a stat of each of them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { acquire, inspect } from '../../dist/index.js';

const [, , what, parent, locks] = process.argv;
const directory = join(parent, `${what}-${locks}`);
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
