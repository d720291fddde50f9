/** A program that takes a lock of each kind that needs no server, and prints what it found as JSON. */
export const EVERY_KIND = `
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-kinds-'));
  const at = (name) => join(directory, name);
  const fact = async (find) => {
    try {
      return await find();
    } catch (error) {
      return error.message;
    }
  };
  const found = {
    kernel: await fact(() => withLock(at('a'), async () => (await tryAcquire(at('a'))) === undefined)),
    contended: await fact(() =>
      withLock(at('a'), () => acquire(at('a'), { timeoutMs: 50 }).catch(({ code }) => code))),
    holders: await fact(() =>
      withLock(at('a'), async () => (await inspect(at('a'))).holders.map(({ pid }) => pid === process.pid))),
    fencing: await fact(() => withLock(at('b'), { fencing: true }, ({ fencingToken }) => typeof fencingToken)),
    lease: await fact(() => withLock('lease:' + at('c'), async () => (await inspect('lease:' + at('c'))).isHeld)),
    memory: await fact(() => withLock('memory:#d', () => true)),
  };
  rmSync(directory, { recursive: true });
  console.log(JSON.stringify(found));
`;

export const IMPORTS = `
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { acquire, inspect, tryAcquire, withLock } from 'holdfast';
`;

/** What it prints where everything works. */
export const EVERYTHING = {
  kernel: true,
  contended: 'HOLDFAST_TIMEOUT',
  holders: [true],
  fencing: 'bigint',
  lease: true,
  memory: true,
};

export const EVERY_KIND_MODULE = `${IMPORTS}${EVERY_KIND}`;
/** Without top-level await, so that it can become CommonJS. */
export const EVERY_KIND_FUNCTION = `${IMPORTS}(async () => {${EVERY_KIND}})();`;
