import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';

import { acquire, inspect, tryAcquire } from '../../dist/index.js';
import { sweepOrphans } from '../../dist/files/sweep.js';
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

/** A command with a child below it and one that left its session; their pids go into `pids`. */
function treeIn(place: string): { command: string[]; pids: () => number[] } {
  const script = join(place, 'tree.sh');
  writeFileSync(
    script,
    `cd "$1"; echo $$ >>pids
    sh -c 'echo $$ >>pids; sleep 1000 & echo $! >>pids; wait' &
    setsid sh -c 'echo $$ >>pids; exec sleep 1000' &
    wait`,
  );
  const pids = (): number[] => {
    const path = join(place, 'pids');
    return existsSync(path) ? readFileSync(path, 'utf8').split('\n').filter(Boolean).map(Number) : [];
  };
  return { command: ['sh', script, place], pids };
}

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};
const HANG = { timeout: 60_000, interval: 20 };

test('a lost lease ends the command and all below it', async () => {
  const place = directory();
  const { command, pids } = treeIn(place);
  const address = `lease:${join(place, 'x')}`;
  const running = run('run', '--grace', '1s', address, '--', ...command);
  await vi.waitUntil(() => pids().length === 4, HANG);
  const { holders } = await inspect(address);
  expect((await run('break', address, '--holder', holders[0]?.holderId ?? '', '--force')).code).toBe(0);
  expect((await running).code).toBe(76);
  await vi.waitUntil(() => !pids().some(isRunning), HANG);
});

test('a wrapper that is killed takes a command under a lease along', async () => {
  const place = directory();
  const { command, pids } = treeIn(place);
  const wrapper = spawn(process.execPath, [
    ...[HOLDFAST, 'run', '--grace', '0', `lease:${join(place, 'x')}`, '--', ...command],
  ]);
  await vi.waitUntil(() => pids().length === 4, HANG);
  wrapper.kill('SIGKILL');
  await vi.waitUntil(() => !pids().some(isRunning), HANG);
});

test('one-shot commands cannot remember here, and doctor says so; a command that waits takes over', async () => {
  const address = `lease:${join(directory(), 'x')}`;
  const holder = spawn(process.execPath, [
    ...[HOLDFAST, 'run', '--lease', '1s', address, '--', 'sh', '-c', 'echo in; exec sleep 1000'],
  ]);
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  const refused = await run('run', '-n', address, 'true');
  expect([refused.code, refused.stderr]).toEqual([75, expect.stringMatching(/can be taken over after/)]);
  expect((await run('doctor')).stdout).toMatch(/boot id +unknown.*command that waits takes over/);
  expect((await run('run', '-w', '60', address, 'true')).code).toBe(0);
});

test('the temp files of a killed writer are removed where it had locked them', async () => {
  const place = directory();
  const writer = `import { writeFileDurable } from ${JSON.stringify(new URL('../../dist/durable/index.js', import.meta.url).href)};
    for (let n = 0; ; n++) await writeFileDurable('data', 'x'.repeat(2_000_000) + n);`;
  const temps = (): string[] => readdirSync(place).filter((name) => name !== 'data');
  // Killed until one left its temp file behind.
  while (temps().length === 0) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', writer], { cwd: place });
    await vi.waitUntil(() => temps().length > 0, HANG);
    child.kill('SIGKILL');
    await once(child, 'close');
  }
  await sweepOrphans(place);
  expect(temps()).toEqual([]);
});

test('claims want a place for their state, and name it', async () => {
  const { code, stderr } = await run('claim', 'x', '--remote', join(directory(), 'none'));
  expect(code).not.toBe(70);
  expect(stderr).not.toMatch(/^ {4}at /m);
});
