import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { isGone } from '../support/processes.js';
import {
  cleanEnvironment,
  commit,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  snapshot,
  startHoldfast,
  versionsOf,
  withProgram,
  writeRecipe,
} from './fixture.js';

function scene(script = MAKE_ONE, opt?: string) {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n', 'make.sh': script });
  const recipe = scriptRecipe(remote, join(directory, 'counter'), '. ./make.sh');
  const path = writeRecipe(directory, recipe);
  const installDir = join(opt ?? join(directory, 'opt'), 'script');
  return { directory, env, remote, recipe, path, installDir, args: ['setup', path, '--dir', installDir] };
}

describe('a failing build', () => {
  test('over a working install: the old one intact, exit 70, empty stdout, the last 50 lines and the whole log', async () => {
    const { env, remote, installDir, args } = scene();
    expect((await holdfast(args, env)).code).toBe(0);
    const old = currentOf(installDir);
    const before = snapshot(old);
    commit(remote, {
      'make.sh': 'i=0; while [ $i -lt 80 ]; do i=$((i+1)); echo line $i; done; echo cannot link >&2; exit 3',
    });

    const result = await holdfast([...args, '--update'], env);
    expect(result).toMatchObject({ code: 70, stdout: '' });
    const log = join(installDir, '..', '.script.log');
    expect(result.stderr).toContain(`step "make" failed: it exited with 3. See the whole output in "${log}"`);
    expect(result.stderr).toContain('the last 50 lines of "make"');
    expect(result.stderr).toMatch(
      /\n {2}line 80\n {2}cannot link\n|\n {2}cannot link\n(?: {2}line \d+\n)* {2}line 80\n/,
    );
    expect(result.stderr).not.toMatch(/\n {2}line 30\n/);
    expect(readFileSync(log, 'utf8')).toMatch(/\nline 1\n[^]*\nline 80\n/);
    expect(currentOf(installDir)).toBe(old);
    expect(snapshot(old)).toEqual(before);
    expect(versionsOf(installDir)).toHaveLength(1);
    // What is installed still serves those who do not ask for the update.
    expect(await holdfast(args, env)).toMatchObject({ code: 0 });
  });

  test('one of two artifacts missing: names it and where it was looked for', async () => {
    const { env, recipe, directory, installDir } = scene('mkdir -p out/lib && cp seed.txt out/lib/libone.so');
    const artifacts = [
      { name: 'libone', files: ['libone.so'] },
      { name: 'libtwo', files: { linux: ['libtwo.so', 'libtwo.so.2'], darwin: ['libtwo.dylib'] } },
    ];
    const path = writeRecipe(directory, { ...recipe, artifacts, search: ['out/bin', 'out/lib'] });
    const result = await holdfast(['setup', path, '--dir', installDir], env);
    expect(result).toMatchObject({ code: 70, stdout: '' });
    expect(result.stderr).toMatch(
      /"libtwo" \(libtwo\.so or libtwo\.so\.2\) is missing; looked in "out\/bin", "out\/lib" of ".*script\.versions/,
    );
    expect(result.stderr).not.toContain('"libone" (');
    expect(existsSync(installDir)).toBe(false);
    expect(versionsOf(installDir)).toEqual([]);
  });

  test('a step that hangs is ended with everything it started at its timeout', async () => {
    const { env, recipe, directory, installDir } = scene();
    const steps = [{ name: 'hang', command: 'sh', arguments: ['-c', 'sleep 60 & sleep 60'], timeoutMs: 300 }];
    const path = writeRecipe(directory, { ...recipe, steps });
    const result = await holdfast(['setup', path, '--dir', installDir], env);
    expect(result).toMatchObject({ code: 70, stdout: '' });
    expect(result.stderr).toContain('step "hang" failed: it did not end within 300 ms');
  });

  test('a program that a step needs is not there; a prerequisite is missing or too old', async () => {
    const { env, recipe, directory, installDir } = scene();
    const run = (changes: object) =>
      holdfast(['setup', writeRecipe(directory, { ...recipe, ...changes }), '--dir', installDir], env);
    const noProgram = await run({ steps: [{ name: 'x', command: 'no-such-program' }] });
    expect(noProgram).toMatchObject({ code: 70, stdout: '' });
    expect(noProgram.stderr).toContain('"no-such-program" could not be started (ENOENT)');
    const missing = await run({
      prerequisites: [{ commands: ['nosuch', 'neither'], hint: 'Get it at x.org' }],
    });
    expect(missing).toMatchObject({ code: 78, stdout: '' });
    expect(missing.stderr).toContain(
      'it needs nosuch or neither, which is not on the PATH. Get it at x.org.',
    );
    const old = await run({ prerequisites: [{ commands: ['cmake'], minimumVersion: '99.1' }] });
    expect(old).toMatchObject({ code: 78, stdout: '' });
    expect(old.stderr).toMatch(/it needs cmake 99\.1 or newer, found 3\.\d+/);
  });
});

describe('Ctrl-C', () => {
  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s in mid-build: everything it started ends, exit %i, nothing left', async (signal, code) => {
    const { env, installDir, args, directory, recipe } = scene(
      `echo $$ > ${'$COUNTER'}.pid; sleep 60 & echo $! >> $COUNTER.pid; sleep 60`,
    );
    writeRecipe(directory, { ...recipe, environment: ['COUNTER'] });
    const run = startHoldfast(args, { ...env, COUNTER: join(directory, 'counter') });
    await run.says(/building \(make\)/);
    const pidFile = join(directory, 'counter.pid');
    while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8').split('\n').length < 3) {
      await new Promise((later) => setTimeout(later, 10));
    }
    process.kill(run.pid, signal);
    expect(await run.finished).toMatchObject({ code, stdout: '' });
    const pids = readFileSync(pidFile, 'utf8').trim().split('\n');
    expect(pids.filter((pid) => !isGone(Number(pid)))).toEqual([]);
    expect(versionsOf(installDir)).toEqual([]);
  });
});

describe('a full disk', () => {
  /** A tmpfs of `sizeMb`. */
  function smallDisk(sizeMb: number): string {
    const mountPoint = join(testDirectory(), 'disk');
    mkdirSync(mountPoint);
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', mountPoint]);
    onTestFinished(() => void spawnSync('umount', ['-l', mountPoint]));
    return mountPoint;
  }

  test('in the middle of a build: exit 74, path and bytes needed, the old install intact, the space given back', async () => {
    const disk = smallDisk(8);
    const { env, remote, installDir, args } = scene(MAKE_ONE, disk);
    expect((await holdfast(args, env)).code).toBe(0);
    const old = currentOf(installDir);
    const before = snapshot(old);
    commit(remote, { 'make.sh': `${MAKE_ONE}; head -c 20000000 /dev/zero > big` });

    const result = await holdfast([...args, '--update'], env);
    expect(result).toMatchObject({ code: 74, stdout: '' });
    expect(result.stderr).toMatch(
      /no space is left on the device \(ENOSPC\) of ".*disk"; at least \d{7} bytes are needed there/,
    );
    expect(currentOf(installDir)).toBe(old);
    expect(snapshot(old)).toEqual(before);
    expect(versionsOf(installDir)).toHaveLength(1);
    expect(await holdfast(args, env)).toMatchObject({ code: 0 });
  });

  test('in the middle of a clone', async () => {
    const disk = smallDisk(4);
    const { env, remote, args, installDir } = scene(MAKE_ONE, disk);
    writeFileSync(join(remote, 'noise.bin'), randomBytes(6_000_000));
    commit(remote, {});
    const result = await holdfast(args, env);
    expect(result).toMatchObject({ code: 74, stdout: '' });
    expect(result.stderr).toMatch(/of ".*disk"; at least \d+ bytes are needed there/);
    expect(result.stderr).not.toContain('attempt 1 of 4');
    expect(versionsOf(installDir)).toEqual([]);
    expect(readdirSync(disk).filter((name) => name.endsWith('.download'))).toEqual([]);
  });

  test('known before anything is fetched', async () => {
    const disk = smallDisk(4);
    const { env, recipe, directory } = scene();
    const path = writeRecipe(directory, { ...recipe, diskSpaceBytes: 5_000_000_000 });
    const noGit = withProgram(env, join(directory, 'bin'), 'git', 'exit 1');
    const result = await holdfast(['setup', path, '--dir', join(disk, 'script')], noGit);
    expect(result).toMatchObject({ code: 74, stdout: '' });
    expect(result.stderr).toContain('at least 5000000000 bytes are needed there (4.7 GiB)');
  });
});

test('a read-only place: exit 77', async () => {
  const disk = join(testDirectory(), 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'ro', 'tmpfs', disk]);
  onTestFinished(() => void spawnSync('umount', ['-l', disk]));
  const { env, path } = scene();
  const result = await holdfast(['setup', path, '--dir', join(disk, 'opt', 'tool')], env);
  expect(result).toMatchObject({ code: 77, stdout: '' });
  expect(result.stderr).toMatch(
    /Could not install "script" in "?.*": its file system is read-only \(EROFS\)/,
  );
});
