import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import type { Inspection } from '../../src/locks/inspect.js';
import { testDirectory } from '../support/directory.js';
import {
  dataOf,
  holdfast,
  says,
  script,
  startHolder,
  startHoldfast,
  startScript,
} from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';

async function show(directory: string, lock: string): Promise<Inspection & { break?: string }> {
  const { stdout, stderr } = await holdfast(directory, ['show', '--json', lock]);
  expect(stderr).toBe('');
  return dataOf(stdout);
}

async function list(directory: string, ...where: string[]): Promise<Inspection[]> {
  const { stdout } = await holdfast(directory, ['ls', '--json', ...where]);
  return dataOf<{ locks: Inspection[] }>(stdout).locks;
}

function fingerprint(path: string): string {
  const { ino, size } = statSync(path);
  return `${ino} ${size} ${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

describe('show and ls', () => {
  it('name holder, waiter, since and reason, and leave the file as it was', async () => {
    const directory = testDirectory();
    const startedAt = Date.now();
    const holder = await startHolder(directory, ['--reason', 'nightly', 'x']);
    const waiter = startHoldfast(directory, ['run', 'x', 'true']);
    await says(waiter, 'waiting');
    const before = fingerprint(join(directory, 'x'));
    const shown = await show(directory, 'x');
    expect(shown).toMatchObject({ address: 'x', backend: 'flock', isHeld: true });
    expect(shown.holders).toMatchObject([
      {
        pid: holder.pid,
        mode: 'exclusive',
        program: 'sh',
        reason: 'nightly',
        isAlive: true,
      },
    ]);
    const since = Date.parse(shown.holders[0]?.sinceAt ?? '');
    // Written in whole seconds.
    expect(since).toBeGreaterThan(startedAt - 1_000);
    expect(since).toBeLessThanOrEqual(Date.now());
    expect(shown.waiters).toMatchObject([{ pid: waiter.pid, mode: 'exclusive' }]);
    expect(await list(directory)).toEqual([shown]);
    expect(fingerprint(join(directory, 'x'))).toBe(before);
    const human = await holdfast(directory, ['show', 'x']);
    expect(human.stdout).toContain(`To free it, stop pid ${holder.pid}.`);
    expect(human.stdout).toContain(`pid ${holder.pid}  sh\n`);
  });

  it('name the command line on request only, and not in JSON', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    expect((await holdfast(directory, ['ls'])).stdout).not.toContain('echo inside');
    const { stdout } = await holdfast(directory, ['show', '--command', 'x']);
    expect(stdout).toContain(`pid ${holder.pid}  holdfast run x sh -c echo inside; read line`);
    expect((await holdfast(directory, ['show', '--command', '--json', 'x'])).code).toBe(64);
  });

  it('name the command line of a holder that recorded it', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['--record-command', 'x']);
    expect((await show(directory, 'x')).holders).toMatchObject([
      { program: 'sh', command: 'sh -c echo inside; read line' },
    ]);
  });

  it('name a holder that came by flock(1), of a file that is not ours', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'notes'), 'mine\n');
    const other = startScript(directory, 'exec flock notes sh -c "echo inside; sleep 30"');
    await other.child.line(/^inside$/);
    expect((await show(directory, 'notes')).holders).toMatchObject([{ pid: other.pid, mode: 'exclusive' }]);
    expect((await list(directory)).map(({ address }) => address)).toEqual(['notes']);
  });

  it('name both of two shared holders', async () => {
    const directory = testDirectory();
    const [one, two] = [await startHolder(directory, ['-s', 'x']), await startHolder(directory, ['-s', 'x'])];
    const { holders } = await show(directory, 'x');
    expect(new Set(holders.map(({ pid }) => pid))).toEqual(new Set([one.pid, two.pid]));
    expect(holders.every(({ mode }) => mode === 'shared')).toBe(true);
    const { stdout } = await holdfast(directory, ['ls']);
    expect(stdout.split('\n').filter((line) => line.includes('shared'))).toHaveLength(2);
  });

  it('name the command of a wrapper that was killed, not the dead one', async () => {
    const directory = testDirectory();
    const running = startHoldfast(directory, ['run', 'x', 'sh', '-c', 'echo $$; exec sleep 30']);
    const [, pid] = await running.child.line(/^(\d+)$/);
    process.kill(running.pid, 'SIGKILL');
    await eventually('the wrapper is gone', () => isGone(running.pid));
    expect((await show(directory, 'x')).holders).toMatchObject([
      { pid: Number(pid), mode: 'exclusive', program: 'sleep', note: 'it inherited the lock' },
    ]);
  });

  it('name the orphaned command beside another wrapper, but not that wrapper’s command', async () => {
    const directory = testDirectory();
    const orphaned = startHoldfast(directory, ['run', '-s', 'x', 'sh', '-c', 'echo $$; exec sleep 30']);
    const [, pid] = await orphaned.child.line(/^(\d+)$/);
    const other = await startHolder(directory, ['-s', 'x']);
    process.kill(orphaned.pid, 'SIGKILL');
    await eventually('the wrapper is gone', () => isGone(orphaned.pid));
    const { holders } = await show(directory, 'x');
    expect(new Set(holders.map((holder) => holder.pid))).toEqual(new Set([Number(pid), other.pid]));
    expect(holders).toHaveLength(2);
  });

  it('are true after the file was truncated, and do not bring its record back', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    truncateSync(join(directory, 'x'));
    expect((await show(directory, 'x')).holders).toMatchObject([{ pid: holder.pid }]);
    expect(statSync(join(directory, 'x')).size).toBe(0);
  });

  it('do not believe the record of a holder that let go', async () => {
    const directory = testDirectory();
    await holdfast(directory, ['run', 'x', 'true']);
    expect(await show(directory, 'x')).toMatchObject({ isHeld: false, holders: [] });
    expect(await list(directory)).toMatchObject([{ address: 'x', isHeld: false }]);
  });

  it('do not believe a record beside a holder that wrote none', async () => {
    const directory = testDirectory();
    await holdfast(directory, ['run', '--reason', 'of the past', 'x', 'true']);
    const other = startScript(directory, 'exec flock x sh -c "echo inside; sleep 30"');
    await other.child.line(/^inside$/);
    const { holders } = await show(directory, 'x');
    expect(holders).toMatchObject([{ pid: other.pid }]);
    expect(holders[0]).not.toHaveProperty('reason');
  });

  it('say "held, not visible here" from another pid namespace, with what the record tells', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['--reason', 'nightly', 'x']);
    const before = fingerprint(join(directory, 'x'));
    const unshared = 'unshare --pid --fork --mount-proc';
    const { stdout } = await script(directory, `${unshared} $H show --json x`);
    const { isHeld, holders } = dataOf<Inspection>(stdout);
    expect(isHeld).toBe(true);
    expect(holders).toMatchObject([{ mode: 'exclusive', pid: holder.pid, reason: 'nightly' }]);
    expect(holders[0]?.note).toContain('held, not visible here');
    expect((await script(directory, `${unshared} $H test x`)).code).toBe(75);
    await startHolder(directory, ['-s', 'y']);
    const shared = await script(directory, `${unshared} $H show y`);
    expect(shared.stdout).toContain(
      'y: held (shared), flock\n  holder              held, not visible here\n',
    );
    await holder.end();
    expect((await script(directory, `${unshared} $H test x`)).code).toBe(0);
    expect(fingerprint(join(directory, 'x'))).toBe(before);
  });

  it('show what a directory has: our lock files, locks of others, the directory itself', async () => {
    const directory = testDirectory();
    mkdirSync(join(directory, 'd'));
    writeFileSync(join(directory, 'd/yarn.lock'), '# not a lock\n');
    await holdfast(directory, ['run', 'd/free.lock', 'true']);
    await startHolder(directory, ['--for', 'd/data.json']);
    await startHolder(directory, ['d']);
    const found = await list(directory, 'd');
    expect(found.map(({ address, isHeld }) => [address, isHeld])).toEqual([
      ['d', true],
      ['d/.holdfast/locks/data.json.lock', true],
      ['d/free.lock', false],
    ]);
  });

  it('report errors as JSON on stderr when asked for JSON', async () => {
    const wrong = await holdfast(testDirectory(), ['show', '--json', 'foo://x#y']);
    expect([wrong.code, wrong.stdout]).toEqual([64, '']);
    expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'usage' } });
  });
});

describe('test and wait', () => {
  it('tell free from held, and create nothing', async () => {
    const directory = testDirectory();
    expect(await holdfast(directory, ['test', 'x'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(await holdfast(directory, ['wait', 'x'])).toMatchObject({ code: 0, stdout: '', stderr: '' });
    expect(readdirSync(directory)).toEqual([]);
    await startHolder(directory, ['-s', 'x']);
    expect(await holdfast(directory, ['test', 'x'])).toMatchObject({ code: 75, stdout: '', stderr: '' });
  });

  it('wait ends when the holder does, and leaves the lock alone', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['-s', 'x']);
    const waiter = startHoldfast(directory, ['wait', 'x']);
    await says(waiter, `waiting for "x", held by pid ${holder.pid}`);
    await holder.end();
    const { code, stderr } = await waiter.outcome;
    expect(code).toBe(0);
    expect(stderr).toMatch(/^holdfast: free: "x" after /m);
    expect(readFileSync(join(directory, 'x'), 'utf8')).toBe('');
  });

  it('wait -w gives up with 75, and TERM ends it with 143', async () => {
    const directory = testDirectory();
    await startHolder(directory, ['x']);
    const late = await holdfast(directory, ['wait', '-w', '0.3', 'x']);
    expect([late.code, late.stderr]).toEqual([75, expect.stringContaining('timeout 300 ms (--wait)')]);
    const waiter = startHoldfast(directory, ['wait', 'x']);
    await says(waiter, 'waiting');
    process.kill(waiter.pid, 'SIGTERM');
    expect((await waiter.outcome).code).toBe(143);
  });
});

describe('doctor', () => {
  it('tells what works here', async () => {
    const directory = testDirectory();
    const { code, stdout } = await holdfast(directory, ['doctor', '--json']);
    expect(code).toBe(0);
    expect(dataOf(stdout)).toMatchObject({ isHealthy: true, subject: directory });
    const { findings } = dataOf<{ findings: object[] }>(stdout);
    expect(findings).toContainEqual({ name: 'addon', value: 'loaded', isGood: true });
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe('break', () => {
  const someId = 'abcdefghijklmnopqrstuvwxyz';

  it('of a kernel lock is refused before anybody is asked, and names the process to stop', async () => {
    const directory = testDirectory();
    const holder = await startHolder(directory, ['x']);
    const { code, stderr } = await holdfast(directory, ['break', 'x', '--holder', someId]);
    expect(code).toBe(78);
    expect(stderr).toMatch(new RegExp(`^holdfast: Could not break "x": .* Stop pid ${holder.pid}\\.\n$`));
  });

  it('of a lease asks, and takes an input that has ended for a no', async () => {
    const { code, stderr } = await holdfast(testDirectory(), ['break', 'lease:x', '--holder', someId]);
    expect(code).toBe(64);
    expect(stderr).toMatch(/Type yes: \nholdfast: nothing was changed\n$/);
  });
});
