import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startHoldfast } from '../support/holdfast.js';
import { eventually, isGone } from '../support/processes.js';
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
