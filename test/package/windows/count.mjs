// Adds to a number in a file, under a lock: node count.mjs ADDRESS FILE ROUNDS. On Linux and on Windows alike.
import { readFileSync, writeFileSync } from 'node:fs';
import { withLock } from 'holdfast';

const [, , address, file, rounds] = process.argv;
for (let round = 0; round < Number(rounds); round++) {
  await withLock(address, { timeoutMs: Infinity }, () => {
    writeFileSync(file, String(Number(readFileSync(file, 'utf8')) + 1));
  });
}
