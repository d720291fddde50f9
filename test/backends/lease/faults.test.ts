import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { LeaseBackend, NAMED_DIRECTORY } from '../../../src/backends/lease/index.js';
import { formatState } from '../../../src/backends/lease/names.js';
import { acquire, inspect, tryAcquire } from '../../../src/index.js';
import { systemClock } from '../../../src/platform/clock.js';
import { leaseClock } from '../../../src/platform/lease-clock.js';
import { clientOf } from '../../../src/testing/index.js';
import { testDirectory } from '../../support/directory.js';
import { fullDisk } from '../../support/full-disk.js';
import { bootNow, LEASE_MS, startParty, statesIn } from '../../support/lease.js';
import { eventually } from '../../support/processes.js';

const OTHER = 'a'.repeat(26);

function held(generation: number, holderId = OTHER, beat = 3): string {
  return formatState({ kind: 'held', generation, leaseMs: 30_000, holderId, beat });
}

/** A lease directory with these files. */
function directoryOf(...names: string[]): string {
  const path = join(testDirectory(), 'lock');
  mkdirSync(path);
  for (const name of names) writeFileSync(join(path, name), '');
  return path;
}

function refusal(path: string): Promise<unknown> {
  return acquire(`lease:${path}`, { timeoutMs: 0 }).then(
    () => 'granted',
    (error: { code: string }) => error.code,
  );
}

describe('a directory that is not as it should be', () => {
  test('whose state file is missing is never free: PROTOCOL', async () => {
    expect(await refusal(directoryOf(`i.${OTHER}.json`))).toBe('HOLDFAST_PROTOCOL');
  });

  test('with a state of a foreign name is never free: PROTOCOL', async () => {
    expect(await refusal(directoryOf('s.0000000000000005.lent'))).toBe('HOLDFAST_PROTOCOL');
    expect(await refusal(directoryOf(formatState({ kind: 'free', generation: 5 }), 's.x'))).toBe(
      'HOLDFAST_PROTOCOL',
    );
  });

  test('that is empty or holds other things, and a file: CONFIG_MISMATCH, and nothing is changed', async () => {
    const empty = directoryOf();
    expect(await refusal(empty)).toBe('HOLDFAST_CONFIG_MISMATCH');
    expect(await refusal(directoryOf('thesis.tex'))).toBe('HOLDFAST_CONFIG_MISMATCH');
    const file = join(testDirectory(), 'lock');
    writeFileSync(file, 'mine');
    expect(await refusal(file)).toBe('HOLDFAST_CONFIG_MISMATCH');
    expect(readdirSync(empty)).toEqual([]);
  });

  test('that is a lease is not flocked: CONFIG_MISMATCH', async () => {
    const path = directoryOf(held(5));
    await expect(acquire(path)).rejects.toMatchObject({ code: 'HOLDFAST_CONFIG_MISMATCH' });
    await expect(inspect(`flock:${path}`)).rejects.toMatchObject({ code: 'HOLDFAST_CONFIG_MISMATCH' });
  });

  test('INV-LEASE-2 with two states counts as the higher one says, and only its new holder clears up', async () => {
    const path = directoryOf(formatState({ kind: 'free', generation: 5 }), held(9));
    expect(await tryAcquire(`lease:${path}`)).toBeUndefined();
    expect(statesIn(path)).toHaveLength(2);
    renameSync(join(path, held(9)), join(path, formatState({ kind: 'free', generation: 9 })));
    const guard = await acquire(`lease:${path}`);
    expect(guard.fencingToken).toBeGreaterThan(9n);
    expect(statesIn(path)).toEqual([expect.stringContaining(guard.holderId)]);
    await guard.release();
  });

  test('INV-LEASE-8 tokens go on rising when it was deleted', async () => {
    const path = join(testDirectory(), 'lock');
    const first = await acquire(`lease:${path}`);
    await first.release();
    rmSync(path, { recursive: true });
    const second = await acquire(`lease:${path}`);
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken as bigint);
    await second.release();
  });

  test('in a folder that does not exist: its own error, at once', async () => {
    expect(await refusal(join(testDirectory(), 'no', 'lock'))).toBe('HOLDFAST_IO');
  });
});

describe('a file system that turns read-only', () => {
  test('`lost` fires, and nothing is written after', async () => {
    const mount = join(testDirectory(), 'mount');
    mkdirSync(mount);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'lease-test', mount]);
    onTestFinished(() => void execFileSync('umount', ['-l', mount]));
    const path = join(mount, 'lock');
    const holder = startParty(testDirectory(), path);
    await holder.held();
    execFileSync('mount', ['-o', 'remount,ro', mount]);
    const names = readdirSync(path);
    await holder.child.line(/^lost [\d.]+ expired$/);
    expect(await refusal(path)).toBe('HOLDFAST_CONTENDED');
    expect(await refusal(join(mount, 'other'))).toBe('HOLDFAST_PERMISSION');
    execFileSync('mount', ['-o', 'remount,rw', mount]);
    holder.order('release');
    await holder.child.line(/^did release/);
    expect(readdirSync(path)).toEqual(names);
  });
});

describe('a full disk', () => {
  test('costs no lease, and gives none: HOLDFAST_IO, and nothing is left behind', async () => {
    const { directory } = fullDisk(256);
    const [kept, free] = [join(directory, 'kept'), join(directory, 'free')] as const;
    await (await acquire(`lease:${free}`)).release();
    const holder = startParty(testDirectory(), kept);
    await holder.held();
    expect(() => writeFileSync(join(directory, 'big'), Buffer.alloc(1 << 20))).toThrow(/ENOSPC/);
    const since = bootNow();
    const before = readdirSync(free);
    await expect(acquire(`lease:${free}`)).rejects.toMatchObject({
      code: 'HOLDFAST_IO',
      message: expect.stringContaining('ENOSPC') as string,
    });
    expect(readdirSync(free)).toEqual(before);
    await eventually('two leases pass', () => bootNow() - since > 2 * LEASE_MS || undefined);
    holder.order('assert');
    await holder.child.line(/^did assert/);
    holder.order('release');
    await holder.child.line(/^did release/);
    expect(readdirSync(kept)).toEqual([expect.stringMatching(/free$/)]);
  });
});

describe('a state file that somebody removes', () => {
  test('costs the hold, and the lease is not free for that', async () => {
    const path = join(testDirectory(), 'lock');
    const holder = startParty(testDirectory(), path);
    const { holderId } = await holder.held();
    for (const name of statesIn(path)) rmSync(join(path, name));
    expect(await refusal(path)).toBe('HOLDFAST_PROTOCOL');
    await holder.child.line(/^lost [\d.]+ record-missing$/);
    expect(existsSync(join(path, `i.${holderId}.json`))).toBe(true);
    holder.order('release');
    await holder.child.line(/^did release/);
    // Nothing says any more that it was a lease; it is still not free.
    expect(readdirSync(path)).toEqual([]);
    expect(await refusal(path)).toBe('HOLDFAST_CONFIG_MISMATCH');
  });
});

describe('a lease with shared readers', () => {
  test('is refused with a next step', async () => {
    const error = await acquire(`lease:${join(testDirectory(), 'lock')}`, { mode: 'shared' }).catch(
      (thrown: Error) => thrown,
    );
    expect(error).toMatchObject({
      code: 'HOLDFAST_UNSUPPORTED',
      message: expect.stringContaining('exclusive') as string,
    });
  });
});

test('a lease that was never kept is released all the same', async () => {
  const path = join(testDirectory(), 'lock');
  const client = clientOf(new LeaseBackend(NAMED_DIRECTORY, systemClock, leaseClock));
  const guard = await client.acquire(path);
  await guard.release();
  expect(statesIn(path)[0]).toMatch(/free$/);
  expect(existsSync(join(path, `i.${guard.holderId}.json`))).toBe(false);
});
