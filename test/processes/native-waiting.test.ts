import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LOCK_CREATE } from '../../src/platform/native-contract.js';
import { loadNative } from '../../src/platform/native.js';
import { drive, run, temporaryDirectory } from './observe.js';

function heldPath(): string {
  const path = join(temporaryDirectory(), 'a.lock');
  expect(loadNative().tryLock(path, LOCK_CREATE, 0o600, undefined)).toBeGreaterThan(0);
  return path;
}

describe.skipIf(process.platform !== 'linux')('a blocked wait', () => {
  it('uses no processor', async () => {
    expect(await drive('idle', heldPath()).line()).toBe('0');
  });

  it.each([
    ['exit', 7],
    ['throw', 1],
  ])('does not delay file calls, nor the end of the process by %s', async (kind, code) => {
    const other = drive('crowd', heldPath(), kind);
    other.child.stderr?.resume();
    expect(await other.line()).toBe('read');
    expect(await other.ended).toBe(code);
  });
});

describe.skipIf(process.platform !== 'linux')('nothing is left behind', () => {
  it('by waits that are cancelled at any moment', async () => {
    const path = join(temporaryDirectory(), 'a.lock');
    const other = drive('storm', path, '2000');
    expect(JSON.parse(await other.line())).toEqual({ granted: 0, cancelled: 2000 });
    const { granted, cancelled } = JSON.parse(await other.line());
    expect(granted + cancelled).toBe(4000);
    expect(await other.ended).toBe(0);
  });

  it('by a wait whose thread took the signal just before it blocked', async () => {
    const directory = temporaryDirectory();
    const shim = join(directory, 'slow-flock.so');
    const source = new URL('slow-flock.c', import.meta.url).pathname;
    execFileSync(process.env['CC'] ?? 'cc', ['-shared', '-fPIC', '-o', shim, source]);
    const other = drive('late', join(directory, 'a.lock'), shim);
    expect(await other.line()).toBe('-125');
    expect(await other.ended).toBe(0);
  });

  it.each(['wait', 'hold'])('by worker threads that are terminated while they %s', async (mode) => {
    const other = drive('terminate', join(temporaryDirectory(), 'a.lock'), mode, '40');
    expect(await other.line()).toBe('free');
    expect(await other.ended).toBe(0);
  });

  it('by threads whose code would be unloaded with the last worker thread', async () => {
    const unloader = new URL('native-unloader.mjs', import.meta.url).pathname;
    const other = run(process.execPath, [unloader, heldPath(), '10']);
    expect(await other.line()).toBe('alive');
    expect(await other.ended).toBe(0);
  });

  it('when descriptors run out, and it works again afterwards', async () => {
    const driver = new URL('native-driver.mjs', import.meta.url).pathname;
    const path = join(temporaryDirectory(), 'a.lock');
    const limited = 'ulimit -n 60; exec "$0" "$1" exhaust "$2"';
    const other = run('sh', ['-c', limited, process.execPath, driver, path]);
    expect(await other.line()).toBe('-24');
    expect(await other.line()).toBe('-24');
    expect(await other.line()).toBe('true');
  });
});
