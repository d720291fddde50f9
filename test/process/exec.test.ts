import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { execFile, type ExecOptions } from '../../src/process/exec.js';
import { bundleSource } from '../support/bundle.js';
import { testDirectory } from '../support/directory.js';
import { hangMs } from '../support/time.js';
import { eventually, isGone, killAfterTest, start } from '../support/processes.js';

const shell = (script: string, options: Partial<ExecOptions> = {}, ...args: string[]) =>
  execFile('sh', ['-c', script, 'sh', ...args], { timeoutMs: hangMs, ...options });

test('code and both outputs are returned', async () => {
  expect(await shell('echo out; echo err >&2; exit 7')).toEqual({
    code: 7,
    signal: null,
    stdout: 'out\n',
    stderr: 'err\n',
    isTimedOut: false,
    isTruncated: false,
    isOutlived: false,
  });
});

test('death by a signal is told apart', async () => {
  expect(await shell('kill -USR1 $$')).toMatchObject({ code: null, signal: 'SIGUSR1', isTimedOut: false });
});

test('arguments are not interpreted, cwd and env are used', async () => {
  const cwd = testDirectory();
  const env = { PATH: process.env['PATH'], ONLY: 'this' };
  const { stdout } = await shell('printf "%s\\n" "$1"; pwd; echo "$ONLY$HOME"', { cwd, env }, '$(echo no) *');
  expect(stdout).toBe(`$(echo no) *\n${cwd}\nthis\n`);
});

test('input arrives whole; without it there is none', async () => {
  const input = 'x'.repeat(1_000_000);
  expect((await execFile('wc', ['-c'], { input, timeoutMs: hangMs })).stdout.trim()).toBe('1000000');
  expect((await shell('cat')).stdout).toBe('');
});

test('a program that does not read its input is no error', async () => {
  expect(await shell('exec 0<&-; exit 3', { input: 'x'.repeat(1_000_000) })).toMatchObject({ code: 3 });
});

test('a program that does not exist rejects with its errno', async () => {
  await expect(execFile('/no/such/program', [], { timeoutMs: hangMs })).rejects.toMatchObject({
    code: 'ENOENT',
  });
});

test('output beyond the limit loses its beginning', async () => {
  const result = await shell('i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done', {
    maxOutputBytes: 20,
  });
  expect(result).toMatchObject({
    stdout: 'line 1998\nline 1999\n',
    isTruncated: true,
  });
});

test('lines are handed on as they come, whatever ends them', async () => {
  const [out, err]: [string[], string[]] = [[], []];
  await shell(`printf 'a\\r\\n\\nb\\rc'; printf '\\303'; sleep 0.05; printf '\\251\\n'; printf 'tail' >&2`, {
    onStdoutLine: (line) => out.push(line),
    onStderrLine: (line) => err.push(line),
  });
  expect(out).toEqual(['a', '', 'b', 'cé']);
  expect(err).toEqual(['tail']);
});

test('at the deadline the whole tree goes, the stubborn part by KILL', async () => {
  const file = join(testDirectory(), 'pid');
  const script = `sh -c 'trap "" TERM; echo $$ >"$1"; while :; do sleep 600; done' sh "$1" & wait`;
  const before = performance.now();
  const result = await shell(script, { timeoutMs: 300 }, file);
  expect(result).toMatchObject({ code: null, signal: 'SIGTERM', isTimedOut: true });
  expect(performance.now() - before).toBeGreaterThanOrEqual(299);
  expect(isGone(Number(readFileSync(file, 'utf8')))).toBe(true);
});

test('a grandchild that keeps the output open is waited for, but not past the deadline', async () => {
  const quick = await shell('(sleep 0.1; echo late) & echo early');
  expect(quick).toMatchObject({ code: 0, stdout: 'early\nlate\n', isTimedOut: false });
  const slow = await shell('sleep 600 & echo $!', { timeoutMs: 200 });
  expect(slow).toMatchObject({ code: 0, isTimedOut: true });
  expect(isGone(Number(slow.stdout))).toBe(true);
});

test('a daemon that left the tree and keeps the output open cannot hang it', async () => {
  const openPipes = (): number =>
    process.getActiveResourcesInfo().filter((name) => name === 'PipeWrap').length;
  const before = openPipes();
  const script = `sh -c 'setsid sh -c "echo \\$\\$; exec sleep 600" & exit'; exit 0`;
  const result = await shell(script, { timeoutMs: 300 });
  expect(result).toMatchObject({ code: 0, isTimedOut: true });
  killAfterTest(Number(result.stdout));
  expect(isGone(Number(result.stdout))).toBe(false);
  expect(openPipes()).toBe(before);
});

test('what a program wrote before it ended is read, although this process stood still meanwhile', async () => {
  const file = join(testDirectory(), 'go');
  const pidOf: number[] = [];
  const onStart = (pid: number): void => void pidOf.push(pid);
  const slow = shell(
    'until [ -e "$1" ]; do sleep 0.01; done; echo whole',
    { isFamilyOnly: true, outlivedMs: 100, onStart },
    file,
  );
  // The loop learns of both ends at once, before it looks for what the second one wrote, and then stands still.
  const first = spawn('echo', ['first'], { stdio: ['ignore', 'pipe', 'inherit'] });
  first.stdout.once('data', () => {
    writeFileSync(file, '');
    standStillUntil(() => isZombie(pidOf[0] as number));
    setImmediate(() => standStillFor(STALL_MS));
  });
  standStillUntil(() => isZombie(first.pid as number));
  expect(await slow).toMatchObject({ code: 0, stdout: 'whole\n' });
});

/** Longer than the silence that is taken for the end of output. */
const STALL_MS = 300;

function standStillFor(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

function standStillUntil(isReached: () => boolean): void {
  while (!isReached()) standStillFor(1);
}

function isZombie(pid: number): boolean {
  return / Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}

test('an abort ends the tree, then rejects with the reason', async () => {
  const controller = new AbortController();
  const reason = new Error('enough');
  let pid = 0;
  const running = shell('echo $$; exec sleep 600', {
    signal: controller.signal,
    timeoutMs: Infinity,
    onStdoutLine: (line) => {
      pid = Number(line);
      controller.abort(reason);
    },
  });
  await expect(running).rejects.toBe(reason);
  expect(isGone(pid)).toBe(true);
});

test('an aborted signal starts nothing', async () => {
  const file = join(testDirectory(), 'trace');
  await expect(shell('echo >"$1"', { signal: AbortSignal.abort() }, file)).rejects.toMatchObject({
    name: 'AbortError',
  });
  expect(existsSync(file)).toBe(false);
});

test('a process that exits takes its programs along', async () => {
  const bundle = await bundleSource('process/exec.ts');
  const file = join(testDirectory(), 'pid');
  writeFileSync(file, '');
  const script = `
    const { execFile } = require(${JSON.stringify(bundle)});
    void execFile('sh', ['-c', 'echo $$; exec sleep 600'], {
      timeoutMs: Infinity,
      onStdoutLine: (line) => { require('node:fs').writeFileSync(${JSON.stringify(file)}, line); process.exit(0); },
    });`;
  await start(process.execPath, ['-e', script]).exited;
  const pid = Number(readFileSync(file, 'utf8'));
  expect(pid).toBeGreaterThan(0);
  await eventually('gone', () => isGone(pid));
});
