import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { HOLDFAST, says, startHoldfast } from '../support/holdfast.js';
import { eventually, isGone, start } from '../support/processes.js';
import { hangMs } from '../support/time.js';
import { supervisorOf } from './run-supervisor.js';

test('when the supervisor is killed its command and all below it end, and the wrapper says 137', async () => {
  const directory = testDirectory();
  const script = 'setsid sleep 1000 & echo $$ $!; wait';
  const running = startHoldfast(directory, ['run', 'lease:L', 'bash', '-c', script]);
  const [, command = '', child = ''] = await running.child.line(/^(\d+) (\d+)$/);
  process.kill(supervisorOf(running.pid) as number, 'SIGKILL');
  expect((await running.outcome).code).toBe(137);
  expect([isGone(Number(command)), isGone(Number(child))]).toEqual([true, true]);
});

test('what a command left behind outlives it, as under flock(1) -o', async () => {
  const directory = testDirectory();
  const running = startHoldfast(directory, ['run', 'lease:L', 'bash', '-c', 'sleep 1000 >&- 2>&- & echo $!']);
  const [, child = ''] = await running.child.line(/^(\d+)$/);
  expect((await running.outcome).code).toBe(0);
  expect(isGone(Number(child))).toBe(false);
  process.kill(Number(child), 'SIGKILL');
});

test.each([
  ['a signal that Node knows', 'kill -TERM $$', 143],
  ['a real-time signal', 'kill -36 $$', 164],
  ['its own code', 'exit 9', 9],
])('%s ends the command: the code is passed on', async (_, script, code) => {
  expect((await startHoldfast(testDirectory(), ['run', 'lease:L', '-c', script]).outcome).code).toBe(code);
});

test('a signal to the wrapper reaches the command', async () => {
  const script = `trap 'echo got; exit 3' USR1; echo ready; while :; do sleep 0.02; done`;
  const running = startHoldfast(testDirectory(), ['run', 'lease:L', 'sh', '-c', script]);
  await running.child.line(/^ready$/);
  process.kill(running.pid, 'SIGUSR1');
  expect(await running.outcome).toMatchObject({ code: 3, stdout: 'ready\ngot\n' });
});

test('with --close the supervisor keeps the lock of a killed wrapper until the command has ended', async () => {
  const directory = testDirectory();
  const running = startHoldfast(directory, [
    'run',
    '-o',
    '--grace',
    '1s',
    'x',
    'bash',
    '-c',
    'trap "" TERM; echo $$; while :; do sleep 1; done',
  ]);
  const [, command = ''] = await running.child.line(/^(\d+)$/);
  process.kill(running.pid, 'SIGKILL');
  const next = startHoldfast(directory, [
    'run',
    'x',
    'sh',
    '-c',
    `kill -0 ${command} 2>/dev/null && echo together || echo alone`,
  ]);
  expect((await next.outcome).stdout).toBe('alone\n');
  await eventually('it is gone', () => isGone(Number(command)));
});

/** What a listener, a preloaded module or a mistake of ours can do to the wrapper. */
const TROUBLES: Readonly<Record<string, string>> = {
  'an uncaught error': `throw new Error('planted')`,
  'an unhandled rejection': `void Promise.reject(new Error('planted'))`,
  'an exit': 'process.exit(5)',
  'an abort': 'process.abort()',
  'no memory': 'const a = []; for (;;) a.push(new Array(1e6).fill(a.length))',
};

test.each(
  Object.keys(TROUBLES).flatMap((trouble) => ['x', 'lease:x'].map((lock) => [trouble, lock] as const)),
)('%s in the wrapper leaves no command without its lock: %s', async (trouble, lock) => {
  const directory = testDirectory();
  writeFileSync(
    join(directory, 'preload.cjs'),
    `if (process.argv.includes('planted')) {
      const { existsSync } = require('node:fs');
      setInterval(() => { if (existsSync('now')) { ${TROUBLES[trouble]}; } }, 10).unref();
    }`,
  );
  const env = { NODE_OPTIONS: `--require ${join(directory, 'preload.cjs')} --max-old-space-size=64` };
  const work = 'trap "" TERM; echo $$; while [ ! -e done ]; do sleep 0.02; done';
  const words = ['run', '--lease', '1s', '--grace', '0.2', lock, 'bash', '-c', work, 'planted'];
  const running = startHoldfast(directory, words, { env });
  const [, command = ''] = await running.child.line(/^(\d+)$/);
  writeFileSync(join(directory, 'now'), '');
  await eventually('the wrapper is gone', () => isGone(running.pid));
  const next = startHoldfast(directory, ['run', lock, 'true']);
  // Over a file it works on with its lock; over a lease it is ended, although it is deaf to TERM.
  if (lock === 'x') {
    await says(next, /waiting/i);
    expect(isGone(Number(command))).toBe(false);
    writeFileSync(join(directory, 'done'), '');
  }
  expect((await next.outcome).code).toBe(0);
  await eventually('the command is gone', () => isGone(Number(command)), lock === 'x' ? hangMs : 0);
});

test('where the system refuses a subreaper, the tree of a killed wrapper is killed before the next one works', async () => {
  const directory = testDirectory();
  const oddly = fileURLToPath(new URL('start-oddly.py', import.meta.url));
  const work = 'trap "" TERM; setsid sleep 1000 & echo $$ $!; while :; do sleep 0.05; done';
  const words = [
    'no-subreaper',
    process.execPath,
    HOLDFAST,
    'run',
    '--lease',
    '1s',
    'lease:x',
    'bash',
    '-c',
    work,
  ];
  const running = start('python3', [oddly, ...words], { cwd: directory });
  const [, ...members] = await running.line(/^(\d+) (\d+)$/);
  process.kill(running.pid, 'SIGKILL');
  const next = startHoldfast(directory, [
    'run',
    'lease:x',
    'sh',
    '-c',
    `kill -0 ${members[0]} 2>&- && echo together`,
  ]);
  expect((await next.outcome).stdout).toBe('');
  expect(members.map((pid) => isGone(Number(pid)))).toEqual([true, true]);
});
