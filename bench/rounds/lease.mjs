// argv: directory, takes. Prints microseconds per take of one free lease, without the release.
import { join } from 'node:path';

import { acquire } from '../../dist/index.js';

const [, , directory, takes] = process.argv;
let totalNs = 0n;
for (let i = -20; i < Number(takes); i++) {
  const begin = process.hrtime.bigint();
  const guard = await acquire(`lease:${join(directory, 'holdfast')}`);
  if (i >= 0) totalNs += process.hrtime.bigint() - begin;
  await guard.release();
}
console.log(Number(totalNs) / 1e3 / Number(takes));
process.exit(0);
