import { expect, test } from 'vitest';

import { acquire, isLockError, type WaitEvent } from '../../dist/index.js';
import { testDirectory } from '../support/directory.js';
import { says, script, startHolder, startScript } from '../support/holdfast.js';
import { eventually, start } from '../support/processes.js';

/** Each holds its first lock and then asks for the other's. The order of the files is that of their taking. */
const CROSSING = `
  $H run a -- sh -c 'until [ -e b.held ]; do sleep 0.02; done; touch a.held; exec $H run b -- true' &
  first=$!
  $H run b -- sh -c 'touch b.held; until [ -e a.held ]; do sleep 0.02; done; exec $H run a -- true' &
  second=$!
  wait $first; echo first $?
  wait $second; echo second $?`;

test('of two commands that wait for each other one gives up with 75 and the other gets through', async () => {
  const { stdout, stderr } = await script(testDirectory(), CROSSING);
  expect(stdout.split('\n').filter((line) => line.endsWith(' 75'))).toHaveLength(1);
  expect(stdout.split('\n').filter((line) => line.endsWith(' 0'))).toHaveLength(1);
  expect(stderr).toMatch(/it would wait for ever: pid \d+ .* waits for .*\/[ab]", held by pid \d+/);
});

test('a flock(1) in the cycle is named, and left alone', async () => {
  const directory = testDirectory();
  const mine = await acquire(`${directory}/a`);
  const other = startScript(directory, `flock b sh -c 'echo inside; exec flock a true'`);
  await other.child.line(/^inside$/);
  const events: WaitEvent[] = [];
  const error = await acquire(`${directory}/b`, {
    timeoutMs: Infinity,
    onDeadlock: 'fail',
    onWait: (event) => events.push(event),
  }).catch((reason: unknown) => reason);
  if (!isLockError(error)) throw error;
  expect(error.code).toBe('HOLDFAST_DEADLOCK');
  expect(error.deadlock?.map(({ holds, waitsFor }) => [holds, waitsFor])).toEqual([
    [`${directory}/a`, `${directory}/b`],
    [`${directory}/b`, `${directory}/a`],
  ]);
  const told = events.map(({ type }) => type).filter((type) => type !== 'progress'); // as the load has it
  expect(told).toEqual(['started', 'deadlock']);
  await mine.release();
  expect((await other.outcome).code).toBe(0);
});

test('a wait that is no cycle is not called one, and a timeout names the cycle it ran into', async () => {
  const directory = testDirectory();
  const holder = await startHolder(directory, ['a']);
  const reason: unknown = await acquire(`${directory}/a`, { timeoutMs: 700, onDeadlock: 'fail' }).catch(
    (error: unknown) => error,
  );
  expect(reason).toMatchObject({ code: 'HOLDFAST_TIMEOUT' });
  expect(reason).not.toHaveProperty('deadlock');
  await holder.end();
  const mine = await acquire(`${directory}/a`);
  const other = start('flock', [`${directory}/b`, 'sh', '-c', `echo inside; exec flock ${directory}/a true`]);
  await other.line(/^inside$/);
  const because = await eventually('a timeout that names the cycle', () =>
    acquire(`${directory}/b`, { timeoutMs: 300 }).catch((reason: unknown) => reason),
  );
  expect(because).toMatchObject({ code: 'HOLDFAST_TIMEOUT', message: /This is a deadlock: pid \d+/ });
  await mine.release();
});

test('holdfast why follows the holders to the end', async () => {
  const directory = testDirectory();
  const far = await startHolder(directory, ['b']);
  const near = startScript(directory, `$H run a -- sh -c 'echo inside; exec $H run b -- true'`);
  await near.child.line(/^inside$/);
  await says(near, 'waiting for "b"');
  const { stdout } = await script(directory, '$H why a');
  expect(stdout).toMatch(/^a is held by pid \d+ .*, which waits for b$/m);
  expect(stdout).toMatch(new RegExp(`^b is held by pid ${far.pid} `, 'm'));
  expect((await script(directory, 'cd /; $H why "$OLDPWD/b"')).stdout).toContain(
    `b is held by pid ${far.pid} `,
  );
  expect(stdout).not.toContain('Deadlock');
  expect((await script(directory, '$H why nobody')).stdout).toBe('nobody is free\n');
  await far.end();
});
