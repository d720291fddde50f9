import { spawnSync } from 'node:child_process';

import type { Clock } from '../core/clock.js';
import { isProcOurs } from '../platform/process-stat.js';
import { type ProcessTree, type TreeRoot, trackTree, trySignal } from './process-tree.js';

const POLL_MS = 20;

/** A killed process goes at once, unless it sits in an uninterruptible system call. */
const KILL_WAIT_MS = 2000;

/** Looks in a row; each finds the forks of the last. A tree that outruns them is met again at the KILL. */
const MAX_ROUNDS = 10;

/**
 * Ends a process and everything below it: TERM to all, up to `graceMs` (>= 0) for them to go, KILL to those
 * that remain, also to those started meanwhile. Resolves when all are gone, with the pids that could not be
 * ended (uninterruptible, or another user's). The root must not be reaped unnoticed: pass its start time.
 *
 * Those started after the TERM (a clean-up's helpers) get no TERM. Not found: processes that left the tree
 * by a double fork before this call, unless they stay in a group or session of the tree or carry its mark.
 */
export async function terminateTree(
  root: TreeRoot,
  graceMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  if (!isProcOurs()) return terminateWithoutProc(root, graceMs, clock);
  const tree = trackTree(root);
  // Until stable: who forks while we look is found by the next look.
  for (let round = 0; round < MAX_ROUNDS && tree.refresh(); round++);
  for (const pid of tree.living()) tree.signal(pid, 'SIGTERM');
  await waitUntil(() => hasEnded(tree), graceMs, clock);
  const hasGone = await waitUntil(
    () => {
      if (hasEnded(tree)) return true;
      // What is killed forks no more, so each round leaves fewer that could.
      for (let round = 0; round < MAX_ROUNDS; round++) {
        const isNew = tree.refresh();
        for (const pid of tree.living()) tree.signal(pid, 'SIGKILL');
        if (!isNew) break;
      }
      return false;
    },
    KILL_WAIT_MS,
    clock,
  );
  return hasGone ? [] : tree.living();
}

/** The whole host is read only once the known members are gone. */
function hasEnded(tree: ProcessTree): boolean {
  if (tree.living().length > 0) return false;
  tree.refresh();
  return tree.living().length === 0;
}

async function waitUntil(isDone: () => boolean, timeoutMs: number, clock: Clock): Promise<boolean> {
  const deadline = clock.now() + timeoutMs;
  for (;;) {
    if (isDone()) return true;
    const leftMs = deadline - clock.now();
    if (leftMs <= 0) return false;
    await new Promise<void>((resolve) => clock.setTimer(Math.min(POLL_MS, leftMs), resolve));
  }
}

/** Where descendants cannot be listed: the group, if the root leads one, else the root; on Windows the system's own tree. */
async function terminateWithoutProc(
  root: TreeRoot,
  graceMs: number,
  clock: Clock,
): Promise<readonly number[]> {
  const target = root.leadsGroup === true && process.platform !== 'win32' ? -root.pid : root.pid;
  const isGone = (): boolean => !trySignal(target, 0);
  if (process.platform === 'win32') {
    spawnSync('taskkill', ['/PID', String(root.pid), '/T', '/F'], { stdio: 'ignore', windowsHide: true });
  } else {
    trySignal(target, 'SIGTERM');
    if (await waitUntil(isGone, graceMs, clock)) return [];
    trySignal(target, 'SIGKILL');
  }
  return (await waitUntil(isGone, KILL_WAIT_MS, clock)) ? [] : [root.pid];
}
