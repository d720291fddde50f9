import { copyFileSync, linkSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { withLock } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';

const tokenOf = (address: string): Promise<bigint> =>
  withLock(address, { fencing: true }, ({ fencingToken }) => fencingToken as bigint);

function expectRising(tokens: readonly bigint[]): void {
  for (const [i, token] of tokens.entries())
    if (i > 0) expect(token).toBeGreaterThan(tokens[i - 1] as bigint);
}

test('tokens of a kernel lock rise through whichever name it is locked', async () => {
  const directory = testDirectory();
  const names = ['real', 'soft', 'hard'].map((name) => join(directory, name)) as [string, string, string];
  const tokens = [await tokenOf(names[0])];
  symlinkSync('real', names[1]);
  linkSync(names[0], names[2]);
  for (let round = 0; round < 3; round++) for (const name of names) tokens.push(await tokenOf(name));
  expectRising(tokens);
});

test('a counter that is restored from a backup repeats no token', async () => {
  const lock = join(testDirectory(), 'lock');
  const tokens = [await tokenOf(lock)];
  copyFileSync(`${lock}.token`, `${lock}.backup`);
  tokens.push(await tokenOf(lock), await tokenOf(lock));
  copyFileSync(`${lock}.backup`, `${lock}.token`);
  tokens.push(await tokenOf(lock));
  rmSync(`${lock}.token`);
  tokens.push(await tokenOf(lock));
  expectRising(tokens);
});
