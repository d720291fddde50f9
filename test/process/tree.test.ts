import { expect, test } from 'vitest';

import { systemClock } from '../../src/platform/clock.js';
import { processStartTime } from '../../src/platform/identity.js';
import { terminateTree, type TreeRoot } from '../../src/process/tree.js';
import {
  eventually,
  isGone,
  killAfterTest,
  start,
  startShell,
  type TestChild,
} from '../support/processes.js';

const rootOf = ({ pid }: TestChild): TreeRoot => ({ pid, startTime: processStartTime(pid) });

/** Reads the pids that the script announces as `name=pid`. */
async function pidOf(child: TestChild, name: string): Promise<number> {
  const pid = Number((await child.line(new RegExp(`^${name}=(\\d+)$`)))[1]);
  killAfterTest(pid);
  return pid;
}

test('a program that obeys TERM gets nothing worse and its clean-up is awaited', async () => {
  const child = startShell(
    `trap 'sleep 0.2; echo cleaned; exit 3' TERM; echo ready; while :; do sleep 0.02; done`,
  );
  await child.line(/^ready$/);
  expect(await terminateTree(rootOf(child), 5000, systemClock)).toEqual([]);
  expect(await child.exited).toMatchObject({ code: 3, signal: null, stdout: 'ready\ncleaned\n' });
});

test('a program that ignores TERM is killed after the grace, and not before', async () => {
  const child = startShell(`trap '' TERM; echo ready; while :; do sleep 0.02; done`);
  await child.line(/^ready$/);
  const before = performance.now();
  expect(await terminateTree(rootOf(child), 300, systemClock)).toEqual([]);
  expect(performance.now() - before).toBeGreaterThanOrEqual(299);
  expect(await child.exited).toMatchObject({ code: null, signal: 'SIGKILL' });
});

test('descendants in sessions of their own go too, even when they ignore TERM', async () => {
  const child = startShell(`
    setsid sh -c 'trap "" TERM; echo session=$$; while :; do sleep 600; done' &
    sh -c 'echo below=$$; sleep 600; :' &
    wait`);
  const pids = [await pidOf(child, 'session'), await pidOf(child, 'below')];
  expect(await terminateTree(rootOf(child), 100, systemClock)).toEqual([]);
  expect([child.pid, ...pids].map(isGone)).toEqual([true, true, true]);
});

test('a member orphaned before the call is found by the group that the root led', async () => {
  const child = startShell(
    `sh -c 'sh -c "echo orphan=\\$\\$; exec sleep 600" & exit'; echo ready; read line`,
  );
  await child.line(/^ready$/);
  const pid = await pidOf(child, 'orphan');
  const root = { ...rootOf(child), leadsGroup: true };
  child.process.stdin?.end('\n');
  await eventually('the root is gone', () => isGone(child.pid));
  expect(isGone(pid)).toBe(false);
  expect(await terminateTree(root, 1000, systemClock)).toEqual([]);
  expect(isGone(pid)).toBe(true);
});

test('a member orphaned before the call is found by the group, where there is no session to find it by', async () => {
  // bash's job control makes the background job lead a group within the session of the shell above it.
  const job = `( sh -c 'echo orphan=$$; exec sleep 600' & ); exec sh -c 'echo root=$$; exec sleep 600'`;
  const child = start('bash', ['-c', `set -m; ( ${job} ) & wait`]);
  const [root, orphan] = [await pidOf(child, 'root'), await pidOf(child, 'orphan')];
  expect(await terminateTree({ pid: root, startTime: processStartTime(root) }, 1000, systemClock)).toEqual(
    [],
  );
  expect([root, orphan].map(isGone)).toEqual([true, true]);
});

test('a double-forked daemon in its own session is found by its environment', async () => {
  const mark = `HOLDFAST_TEST_MARK=${process.pid}-${Math.random()}`;
  const child = startShell(
    `sh -c 'setsid sh -c "echo daemon=\\$\\$; exec sleep 600" >&1 & exit'; echo ready; read line`,
    { env: { ...process.env, HOLDFAST_TEST_MARK: mark.slice('HOLDFAST_TEST_MARK='.length) } },
  );
  await child.line(/^ready$/);
  const pid = await pidOf(child, 'daemon');
  expect(await terminateTree({ ...rootOf(child), environmentMark: mark }, 1000, systemClock)).toEqual([]);
  expect([child.pid, pid].map(isGone)).toEqual([true, true]);
});

test('a reused pid is never hit', async () => {
  const child = startShell('echo ready; read line; exit 4');
  await child.line(/^ready$/);
  const stranger = { pid: child.pid, startTime: (processStartTime(child.pid) ?? 0) - 1 };
  expect(await terminateTree(stranger, 0, systemClock)).toEqual([]);
  child.process.stdin?.end('\n');
  expect((await child.exited).code).toBe(4);
});

test('siblings and this process are not touched', async () => {
  const [child, sibling] = [startShell('read line'), startShell('read line; exit 6')];
  await terminateTree(rootOf(child), 1000, systemClock);
  sibling.process.stdin?.end('\n');
  expect((await sibling.exited).code).toBe(6);
});
