import { chmodSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { readLockTableSync } from '../../src/platform/lock-table.js';
import type { VerifyReport } from '../../src/verify/verify.js';
import { testDirectory } from '../support/directory.js';
import { dataOf, holdfast, HOLDFAST, says, script, startHoldfast } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';

/** A shell that goes to another host: here the very same one, by another path. */
function fakeRemoteShell(directory: string): string {
  const path = join(directory, 'rsh');
  const lines = ['#!/bin/sh', 'test "$1" = elsewhere || exit 9', 'shift'];
  lines.push(
    'echo "Welcome to elsewhere"',
    `holdfast() { exec '${process.execPath}' '${HOLDFAST}' "$@"; }`,
    'eval "$*"',
  );
  writeFileSync(path, `${lines.join('\n')}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('verify', () => {
  it('finds flock and lease safe on a local file system, here and through a remote shell', async () => {
    const directory = testDirectory();
    for (const name of ['it’s here', 'shared']) mkdirSync(join(directory, name));
    symlinkSync('shared', join(directory, "it's there"));
    const peer = `elsewhere:${join(directory, "it's there")}`;
    const throughShell = ['--rsh', fakeRemoteShell(directory), '--peer', peer];
    const [local, remote] = await Promise.all([
      holdfast(directory, ['verify', '--rounds', '10', 'it’s here']),
      holdfast(directory, ['verify', '--json', '-q', '--rounds', '4', ...throughShell, 'shared']),
    ]);

    expect(local.stdout).toMatch(/^flock: safe\n {2}no overlap in \d+ holds/m);
    expect(local.stdout).toMatch(/^lease: safe\n {2}no overlap in \d+ holds, tokens rise$/m);
    expect(local.stdout).toMatch(/^lease takeover +holds +from a stopped holder after [2-9]/m);
    expect(local.stdout.trimEnd()).toMatch(/A plain path here is locked by flock, which is safe\.$/);
    expect(local.stderr.match(/^holdfast: trying [a-z ]+$/gm)).toHaveLength(12);
    expect(local.code).toBe(0);
    expect(readdirSync(join(directory, 'it’s here'))).toEqual([]);

    expect(remote.stderr).toBe('');
    const report = dataOf<VerifyReport & { isSafe: boolean }>(remote.stdout);
    expect(report).toMatchObject({ isSafe: true, peer, view: 'one mount', chosen: 'flock' });
    expect(report.findings.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 12 }, () => 'holds'));
    expect(remote.code).toBe(0);
    expect(readdirSync(join(directory, 'shared'))).toEqual([]);
  });

  it('says what is wrong with a directory or a peer', async () => {
    const directory = testDirectory();
    for (const name of ['a', 'b']) mkdirSync(join(directory, name));
    writeFileSync(join(directory, 'file'), '');
    const failing = async (...args: string[]): Promise<[number | null, string]> => {
      const { code, stdout, stderr } = await holdfast(directory, ['verify', '-q', ...args]);
      expect(stdout).toBe('');
      return [code, stderr.replaceAll(directory, 'D').trimEnd()];
    };
    const [missing, file, apart, unreachable, peerless, elsewhere] = await Promise.all([
      failing('none'),
      failing('file'),
      failing('--peer', 'b', 'a'),
      failing('--rsh', 'false', '--peer', 'nowhere:/a', 'a'),
      failing('--peer', 'c', 'a'),
      failing('--rsh', fakeRemoteShell(directory), '--peer', 'elsewhere:/none', 'a'),
    ]);
    expect(missing).toEqual([64, 'holdfast: "D/none" does not exist. See "holdfast verify --help".']);
    expect(file).toEqual([64, 'holdfast: "D/file" is not a directory. See "holdfast verify --help".']);
    expect(apart).toEqual([
      78,
      'holdfast: Could not verify "D/a": what is made there is not seen in "D/b" within 5 s. Name two paths to one directory.',
    ]);
    expect(unreachable).toEqual([
      74,
      'holdfast: Could not verify "nowhere:/a": the process there ended. Look whether the file server answers, and whether holdfast runs there.',
    ]);
    expect(peerless).toEqual([64, 'holdfast: "D/c" does not exist. See "holdfast verify --help".']);
    expect(elsewhere).toEqual([
      74,
      'holdfast: Could not verify "elsewhere:/none": the process there ended ("/none" does not exist). Look whether the file server answers, and whether holdfast runs there.',
    ]);
    expect(readdirSync(join(directory, 'a'))).toEqual([]);
  });

  it('needs a directory that may be written to', async () => {
    const directory = testDirectory();
    const text = 'mkdir ro && mount -t tmpfs -o ro none ro && $H verify -q ro';
    const { code, stderr } = await script(directory, `unshare -m sh -c '${text}'`);
    expect(stderr.replace(directory, 'D')).toBe(
      'holdfast: Could not work in "D/ro": its file system is read-only (EROFS). Use a path on a writable file system.\n',
    );
    expect(code).toBe(77);
  });

  it('cleans up after Ctrl-C, after TERM, and after a KILL of itself', async () => {
    const directory = testDirectory();
    const endings = [
      ['SIGINT', 130],
      ['SIGTERM', 143],
      ['SIGKILL', null],
    ] as const;
    await Promise.all(
      endings.map(async ([signal, expected]) => {
        const own = join(directory, signal);
        mkdirSync(own);
        const running = startHoldfast(own, ['verify', '.']);
        await says(running, 'trying flock');
        const [folder = ''] = readdirSync(own);
        const lock = join(own, folder, 'flock.lock');
        // There is an answer that no check awaits yet.
        const isWaiting = (): boolean => existsSync(lock) && readLockTableSync(lock).waiters.length > 0;
        await eventually('one waits', () => isWaiting() || running.stderr().includes('flock shared'));
        process.kill(running.pid, signal);
        expect((await running.outcome).code).toBe(expected);
        await eventually('the folder is gone', () => readdirSync(own).length === 0);
      }),
    );
  });
});

it('doctor says how its assumption is tried', async () => {
  const { stdout } = await holdfast(testDirectory(), ['doctor']);
  expect(stdout).toMatch(/^proof +not tried here: "holdfast verify \/\S+" tries it$/m);
});
