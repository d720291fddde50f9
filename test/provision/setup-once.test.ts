import { execFileSync, spawn } from 'node:child_process';
import { lstatSync, readFileSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import {
  cleanEnvironment,
  cmakeProject,
  cmakeRecipe,
  countOf,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  startHoldfast,
  versionsOf,
  withProgram,
  writeRecipe,
} from './fixture.js';

function scene(script = MAKE_ONE) {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const counter = join(directory, 'counter');
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = writeRecipe(directory, scriptRecipe(remote, counter, script));
  const installDir = join(directory, 'opt', 'script');
  return {
    directory,
    env,
    counter,
    remote,
    recipe,
    installDir,
    args: ['setup', recipe, '--dir', installDir],
  };
}

/** A step that goes on until `gate` exists. */
const GATED = `until [ -e ../../../gate ]; do sleep 0.02; done; ${MAKE_ONE}`;

describe('one build, however many ask', () => {
  test('five callers at once: one builds with real CMake, four say cached, all print the same exports', async () => {
    const directory = testDirectory();
    const env = cleanEnvironment(directory);
    const counter = join(directory, 'counter');
    const recipe = writeRecipe(directory, cmakeRecipe(cmakeProject(directory), counter));
    const installDir = join(directory, 'opt', 'alpha');
    const runs = Array.from({ length: 5 }, () => holdfast(['setup', recipe, '--dir', installDir], env));
    const results = await Promise.all(runs);

    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
    expect(countOf(counter)).toBe(1);
    expect(results.filter(({ stderr }) => /alpha: cached/.test(stderr))).toHaveLength(4);
    expect(new Set(results.map(({ stdout }) => stdout)).size).toBe(1);
    expect(versionsOf(installDir)).toHaveLength(1);
    // The program finds its libraries by the run path that CMake wrote for this very place.
    expect(execFileSync(join(installDir, 'build/bin/answer'), { encoding: 'utf8' })).toBe('42\n');
    const use = `${results[0]?.stdout}[ -f "$ALPHA_LIBDIR/libalpha.so" ] && [ -f "$ALPHA_LIBDIR/libbeta.so" ] && echo "$LD_LIBRARY_PATH"`;
    expect(execFileSync('sh', ['-c', use], { encoding: 'utf8', env })).toBe(
      `${currentOf(installDir)}/build/bin\n`,
    );
  });

  test('the builder is killed in mid-build: the next one builds, the others take its result', async () => {
    const { env, counter, installDir, args, directory } = scene(GATED);
    const first = startHoldfast(args, env);
    await first.says(/building \(make\)/);
    const others = Array.from({ length: 4 }, () => startHoldfast(args, env));
    await Promise.all(others.map((other) => other.says(/waiting for "script"/)));
    process.kill(first.pid, 'SIGKILL');
    expect((await first.finished).stdout).toBe('');
    execFileSync('touch', [join(directory, 'gate')]);
    const results = await Promise.all(others.map((other) => other.finished));

    expect(results.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
    expect(countOf(counter)).toBe(2);
    expect(results.filter(({ stderr }) => /script: cached/.test(stderr))).toHaveLength(3);
    expect(versionsOf(installDir)).toHaveLength(1);
  });

  test('who waits is told for whom', async () => {
    const { env, args, directory } = scene(GATED);
    const first = startHoldfast(args, env);
    await first.says(/building \(make\)/);
    const second = startHoldfast(args, env);
    await second.says(
      new RegExp(`waiting for "script", held by pid ${first.pid} .*timeout 10 min \\(default\\)`),
    );
    execFileSync('touch', [join(directory, 'gate')]);
    expect((await second.finished).code).toBe(0);
  });

  test('a lock file two hours old that is held makes the second wait; --no-wait exits 75 with nothing on stdout', async () => {
    const { env, args, counter, installDir } = scene();
    expect((await holdfast(args, env)).code).toBe(0);
    const lock = join(installDir, '..', '.script.lock');
    const holder = spawn('flock', [lock, 'sh', '-c', 'echo held; read line'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await new Promise((held) => holder.stdout.once('data', held));
    const twoHoursAgo = Date.now() / 1000 - 7200;
    utimesSync(lock, twoHoursAgo, twoHoursAgo);

    const refused = await holdfast([...args, '--update', '--no-wait'], env);
    expect(refused).toMatchObject({ code: 75, stdout: '' });
    const late = await holdfast([...args, '--update', '--timeout', '300ms'], env);
    expect(late).toMatchObject({ code: 75, stdout: '' });
    expect(late.stderr).toContain('timeout 300 ms (--timeout)');
    expect((await holdfast(args, env)).stderr).toContain('script: cached');
    const waiting = startHoldfast([...args, '--update'], env);
    await waiting.says(/waiting for "script"/);
    holder.stdin.end();
    expect((await waiting.finished).code).toBe(0);
    expect(countOf(counter)).toBe(1);
    expect(lstatSync(lock).isFile()).toBe(true);
  });

  test('the second run needs neither network nor git', async () => {
    const { env, args, directory } = scene();
    const first = await holdfast(args, env);
    const noGit = withProgram(
      env,
      join(directory, 'bin'),
      'git',
      `echo called >> ${directory}/git-calls; exit 1`,
    );
    const second = await holdfast(args, noGit);
    expect(second).toMatchObject({ code: 0, stdout: first.stdout });
    expect(() => readFileSync(join(directory, 'git-calls'))).toThrow('ENOENT');
  });
});
