import { type StdioOptions } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

import { readProcessStat } from '../../src/platform/process-stat.js';
import { bundleFile } from '../support/bundle.js';
import { testDirectory } from '../support/directory.js';
import { eventually, isGone, start, type TestChild } from '../support/processes.js';

let directory: string;
let fixture: string;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'holdfast-run-'));
  fixture = await bundleFile(new URL('run-fixture.ts', import.meta.url), directory);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function run(command: readonly string[], stdio?: StdioOptions, env: NodeJS.ProcessEnv = {}): TestChild {
  return start(process.execPath, [fixture, ...command], {
    env: { ...process.env, ...env },
    ...(stdio === undefined ? {} : { stdio }),
  });
}

const shell = (script: string): string[] => ['sh', '-c', script];

test.each([
  ['its own code', shell('exit 7'), 7],
  ['success', ['true'], 0],
  ['128+15 for TERM', shell('kill -TERM $$'), 143],
  ['128+9 for KILL', shell('kill -KILL $$'), 137],
])('the exit code is %s', async (_, command, code) => {
  expect((await run(command).exited).code).toBe(code);
});

test('a command that is nowhere is 127, by name and by path', async () => {
  for (const command of ['holdfast-no-such-command', '/no/such/command', './no-such-command']) {
    expect(await run([command]).exited).toMatchObject({ code: 127, stdout: 'not-found\n' });
  }
});

test.each([
  ['a file without the permission', 0o644, '#!/bin/sh\n', 'not-executable'],
  ['a script without its interpreter', 0o755, '#!/no/such/interpreter\n', 'interpreter-not-found'],
])('%s is 126', async (_, mode, content, reason) => {
  const file = join(testDirectory(), 'script');
  writeFileSync(file, content);
  chmodSync(file, mode);
  expect(await run([file]).exited).toMatchObject({ code: 126, stdout: `${reason}\n` });
});

test('a directory is 126', async () => {
  expect(await run([testDirectory()]).exited).toMatchObject({ code: 126, stdout: 'not-executable\n' });
});

test('descriptor 3, and one beyond those that Node looks at, arrive at their numbers', async () => {
  const file = join(testDirectory(), 'input');
  writeFileSync(file, 'hello\n');
  const fd = openSync(file, 'r');
  const gap = Array.from({ length: 16 }, () => 'ignore' as const);
  const stdio: StdioOptions = ['ignore', 'pipe', 'inherit', fd, ...gap, fd];
  const child = run(shell('readlink /proc/self/fd/3 /proc/self/fd/20'), stdio);
  closeSync(fd);
  expect((await child.exited).stdout).toBe(`${file}\n${file}\n`);
});

test("the child gets what was inherited, the lock's descriptor, and nothing of Node's", async () => {
  const file = join(testDirectory(), 'input');
  const lock = join(testDirectory(), 'lock');
  for (const path of [file, lock]) writeFileSync(path, '');
  const fd = openSync(file, 'r');
  const list = shell('for f in /proc/$$/fd/*; do readlink $f; done | sort');
  const child = run(list, ['ignore', 'pipe', 'inherit', 'ignore', fd], { TEST_LOCK_PATH: lock });
  closeSync(fd);
  const { stdout } = await child.exited;
  const inherited = stdout
    .trim()
    .split('\n')
    .filter((target) => !/^(pipe:|\/dev\/)/.test(target));
  expect(inherited).toEqual(expect.arrayContaining([file, lock]));
  expect(stdout).not.toContain('anon_inode');
});

test("Node's own pipes stay at home", async () => {
  const child = run(['ls', '-l', '/proc/self/fd'], ['ignore', 'pipe', 'ignore']);
  const outside = descriptorsOf('self');
  const { stdout } = await child.exited;
  const pipes = [...stdout.matchAll(/ (\d+) -> (pipe:.*)$/gm)].filter(([, fd]) => Number(fd) >= 3);
  // What this test process itself passes on unasked is not Node's.
  expect(pipes.map(([, , target]) => target).filter((target) => !outside.includes(target ?? ''))).toEqual([]);
  expect(stdout).toMatch(/ 1 -> /);
});

function descriptorsOf(pid: number | 'self'): string[] {
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
}

test("make's jobserver reaches a make inside", async () => {
  const root = testDirectory();
  writeFileSync(
    join(root, 'outer.mk'),
    `all:\n\t+@"${process.execPath}" "${fixture}" $(MAKE) -s -f inner.mk\n`,
  );
  writeFileSync(join(root, 'inner.mk'), 'all: a b\na b:\n\t@echo $@\n');
  const env: NodeJS.ProcessEnv = { ...process.env };
  delete env['MAKEFLAGS'];
  const make = start('sh', ['-c', 'exec make -s -j3 -f outer.mk 2>&1'], { cwd: root, env });
  const { stdout, code } = await make.exited;
  expect(code).toBe(0);
  // Without its descriptors make says "jobserver unavailable".
  expect(stdout.split('\n').sort().join(' ').trim()).toBe('a b');
});

test('jobserver pipes named by MAKEFLAGS pass although nobody else has them', async () => {
  const script = `exec "$0" "$1" sh -c 'readlink /proc/$$/fd/3 /proc/$$/fd/4'`;
  // It execs itself away, so that no parent has the pipe.
  const maker = `import os,sys; r,w=os.pipe(); a=os.dup2(r,30); b=os.dup2(w,31); os.dup2(30,3); os.dup2(31,4); os.closerange(5,64); os.execvp("sh",["sh","-c",sys.argv[1]]+sys.argv[2:])`;
  const child = start('python3', ['-c', maker, script, process.execPath, fixture], {
    env: { ...process.env, MAKEFLAGS: ' -j2 --jobserver-auth=3,4' },
  });
  const [read, write] = (await child.exited).stdout.trim().split('\n');
  expect(read).toMatch(/^pipe:/);
  expect(write).toBe(read);
});

test.each(['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGINT', 'SIGQUIT'] as const)(
  '%s is forwarded, and the clean-up awaited',
  async (signal) => {
    const name = signal.slice(3);
    const child = run(
      shell(`trap 'sleep 0.4; echo cleaned; exit 9' ${name}; echo ready; while :; do sleep 0.02; done`),
    );
    await child.line(/^ready$/);
    process.kill(child.pid, signal);
    expect(await child.exited).toMatchObject({ code: 9, signal: null, stdout: 'ready\ncleaned\n' });
  },
);

interface TerminalRun {
  readonly wrapper: number;
  readonly terminal: TestChild;
  readonly log: () => string;
}

/** Runs a child that logs INT and USR1 and ends with the latter, in a terminal that script(1) provides. */
async function runInTerminal(): Promise<TerminalRun> {
  const file = join(testDirectory(), 'log');
  writeFileSync(file, '');
  const say = (word: string): string => `echo ${word} >>"${file}"`;
  const traps = `trap '${say('int')}' INT; trap '${say('usr1')}; exit' USR1`;
  const loop = `${traps}; ${say('$PPID')}; while :; do sleep 0.02; done`;
  const words = [process.execPath, fixture, 'sh', '-c', loop];
  const command = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const terminal = start('script', ['-qec', command, '/dev/null'], { stdio: ['pipe', 'ignore', 'inherit'] });
  const log = (): string => readFileSync(file, 'utf8');
  const [, pid] = await eventually('started', () => /^(\d+)\n/.exec(log()) ?? undefined);
  return { wrapper: Number(pid), terminal, log: () => log().replace(/^\d+\n/, '') };
}

test("in a terminal the child gets the terminal's own INT once, and the wrapper survives it", async () => {
  const { wrapper, terminal, log } = await runInTerminal();
  terminal.process.stdin?.write('\u0003');
  await eventually('INT arrived', () => log() === 'int\n');
  process.kill(wrapper, 'SIGUSR1');
  await eventually('the wrapper is gone', () => isGone(wrapper));
  expect(log()).toBe('int\nusr1\n');
});

test('in a terminal the first INT from elsewhere is not forwarded', async () => {
  const { wrapper, log } = await runInTerminal();
  process.kill(wrapper, 'SIGINT');
  process.kill(wrapper, 'SIGUSR1');
  await eventually('the wrapper is gone', () => isGone(wrapper));
  // Lower numbers are delivered and trapped first: a forwarded INT would stand before.
  expect(log()).toBe('usr1\n');
});

test('in a terminal a later INT is forwarded', async () => {
  const { wrapper, log } = await runInTerminal();
  await eventually('forwarded', () => {
    process.kill(wrapper, 'SIGINT');
    return log().includes('int');
  });
});

test('a stopped and continued child is waited for', async () => {
  const child = run(shell('echo $$; read line; exit 5'));
  const pid = Number((await child.line(/^(\d+)$/))[1]);
  process.kill(pid, 'SIGSTOP');
  await eventually('stopped', () => readProcessStat(pid)?.state === 'T');
  process.kill(pid, 'SIGCONT');
  child.process.stdin?.end('\n');
  expect((await child.exited).code).toBe(5);
});
