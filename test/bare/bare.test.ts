import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { acquire, inspect, tryAcquire } from '../../dist/index.js';
import { firstSeenPath } from '../../dist/platform/first-seen.js';
import { ancestorsOf, bootId, isProcessAlive, ownIdentity, programOf } from '../../dist/platform/identity.js';
import { FirstSeen } from '../../dist/platform/first-seen.js';
import { HOLDFAST } from '../support/holdfast.js';

const directory = (): string => mkdtempSync(join(tmpdir(), 'bare-'));

function run(...args: string[]): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [HOLDFAST, ...args], { cwd: tmpdir() });
  const output = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
  return new Promise((resolve) => void child.once('close', (code) => resolve({ code, ...output })));
}

test('this is a bare place: no /proc, no name, no home', () => {
  expect(readdirSync('/proc')).toEqual([]);
  expect(() => userInfo()).toThrow();
  expect(process.env['HOME']).toBeUndefined();
});

test('what is not known is not taken for the same', () => {
  expect(bootId()).toBeUndefined();
  expect(isProcessAlive(ownIdentity())).toBeUndefined();
  expect(firstSeenPath('x')).toBeUndefined();
  expect([...ancestorsOf(process.pid)]).toEqual([process.ppid]);
  expect(programOf(process.pid)).toBeUndefined();
  const unknown = { bootId: undefined, timeNamespace: undefined, now: () => 9_000 };
  const earlier = new FirstSeen({ ...unknown, now: () => 1 }, undefined);
  earlier.note('key', 'value');
  expect(new FirstSeen(unknown, earlier.text()).unchangedMs('key', 'value')).toBe(0);
});

test.each(['', 'lease:'])('a lock %s excludes, and its holder is named by its record', async (scheme) => {
  const address = `${scheme}${join(directory(), 'x')}`;
  const guard = await acquire(address, { reason: 'bare' });
  expect(await tryAcquire(address)).toBeUndefined();
  const { isHeld, holders } = await inspect(address);
  expect([isHeld, holders[0]?.pid, holders[0]?.reason]).toEqual([true, process.pid, 'bare']);
  expect((await run('run', '-n', address, 'true')).code).toBe(75);
  await guard.release();
  expect((await run('run', '-n', address, 'echo', 'ran')).stdout).toBe('ran\n');
});

test.each(['show', 'ls', 'doctor', 'why'])('%s explains without a stack trace', async (command) => {
  const { code, stderr } = await run(command, ...(command === 'show' || command === 'why' ? ['x.lock'] : []));
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect(code).toBe(0);
});
