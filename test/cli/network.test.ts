import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast } from '../support/holdfast.js';
import { startParty } from '../support/lease.js';
import { networkDisk } from '../support/network-disk.js';

describe('a plain path on a network file system', () => {
  test('is a lease, and doctor says why', async () => {
    const directory = networkDisk();
    const { stdout } = await holdfast(directory, ['doctor']);
    expect(stdout).toMatch(/^file system +fuse\.sshfs \(network\)$/m);
    expect(stdout).toMatch(/^backend +lease: fuse\.sshfs is shared with other hosts/m);
    const here = (await holdfast(testDirectory(), ['doctor'])).stdout;
    expect(here).toMatch(/^backend +flock: \S+ is local, so the kernel's lock is the whole truth/m);
    const run = await holdfast(directory, ['run', '--lease', '3s', 'x', 'sh', '-c', 'echo $HOLDFAST_TOKEN']);
    expect(run.code).toBe(0);
    expect(readdirSync(join(directory, 'x'))).toEqual([`s.${run.stdout.trim().padStart(16, '0')}.free`]);
  });

  test('meets one who forced the other kind as CONFIG_MISMATCH, whoever came first', async () => {
    const directory = networkDisk();
    expect((await holdfast(directory, ['run', 'a', 'true'])).code).toBe(0);
    const onLease = await holdfast(directory, ['run', 'flock:a', 'true']);
    expect(onLease.code).toBe(78);
    expect(onLease.stderr).toContain('Use lease:');
    expect((await holdfast(directory, ['run', 'flock:b', 'true'])).code).toBe(0);
    const onFile = await holdfast(directory, ['run', 'b', 'true']);
    expect(onFile.code).toBe(78);
    expect(onFile.stderr).toContain('Another program locks it as flock:');
    expect(statSync(join(directory, 'b')).isFile()).toBe(true);
  });

  test('keeps others out there too, and is free for them when its holder is killed', async () => {
    const directory = networkDisk();
    const path = join(directory, 'x');
    const holder = startParty(testDirectory(), path);
    const first = await holder.held();
    expect((await holdfast(directory, ['run', '-n', 'x', 'true'])).code).toBe(75);
    holder.child.process.kill('SIGKILL');
    await holder.child.exited;
    const { code, stdout } = await holdfast(directory, ['run', 'x', 'sh', '-c', 'echo $HOLDFAST_TOKEN']);
    expect(code).toBe(0);
    expect(BigInt(stdout.trim())).toBeGreaterThan(first.token);
  });
});
