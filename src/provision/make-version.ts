import { join } from 'node:path';

import type { Guard } from '../core/guard.js';
import { replaceFile } from '../files/replace.js';
import { loadNative } from '../platform/native.js';
import { openBuildLog } from './build-log.js';
import { buildTree } from './build.js';
import { assertDiskSpace, diskFull, freeBytes, isDiskFull, treeBytes } from './disk-space.js';
import { withoutCredentials } from '../core/credentials.js';
import { TAIL_LINES } from './events.js';
import type { InstallRun } from './install-options.js';
import { versionDir } from './layout.js';
import { checkPrerequisites } from './prerequisites.js';
import { isGitSource, withoutSecrets } from './recipe.js';
import { fetchArchive } from './source-archive.js';
import { cloneSource } from './source-git.js';
import { encodeStamp, recipeHash, settingsHash, STAMP_NAME, STAMP_VERSION, type Stamp } from './stamp.js';
import { syncTree } from './sync-tree.js';
import { verifyTree } from './verify.js';
import {
  createVersion,
  currentVersion,
  newVersionId,
  removeVersion,
  switchTo,
  type CurrentVersion,
} from './versions.js';

/**
 * Builds a new version beside the current one and lets NAME point to it. The order is the protocol: the stamp is the
 * last file of the tree and comes after everything else is on disk; the switch comes after the stamp. Killed before
 * the switch, there is a tree that NAME does not point to, and the next run removes it.
 *
 * @throws what the parts throw; a full disk as HOLDFAST_IO whichever part met it. The new tree is removed then.
 */
export async function makeVersion(
  run: InstallRun,
  current: CurrentVersion | undefined,
  guard: Guard,
): Promise<{ dir: string; stamp: Stamp }> {
  const { recipe, layout, clock, reporter, fetch } = run;
  reporter.stage('prerequisites');
  await checkPrerequisites(recipe, fetch.env, clock, fetch.signal);
  if (recipe.diskSpaceBytes !== undefined) {
    await assertDiskSpace(recipe.name, layout.parentDir, recipe.diskSpaceBytes);
  }
  const id = newVersionId(clock.wallNow());
  try {
    const dir = await createVersion(layout, id);
    const stamp = await fillVersion(run, current, id, dir);
    reporter.stage('swap');
    guard.assertHeld();
    const notice = await switchTo(layout, id, clock.wallNow(), attemptExchange);
    if (notice !== undefined) reporter.note(notice);
    return { dir, stamp };
  } catch (error) {
    // The last sync failed: the new version is in its place all the same, and others may use it already.
    if ((await currentVersion(layout))?.id === id) throw error;
    const isFull = await isDiskFull(layout.parentDir, error);
    const writtenBytes = isFull ? await treeBytes(versionDir(layout, id)) : 0;
    await removeVersion(layout, id, clock);
    if (!isFull) throw error;
    const neededBytes = Math.max(recipe.diskSpaceBytes ?? 0, writtenBytes + 1);
    throw diskFull(recipe.name, layout.parentDir, neededBytes, await freeBytes(layout.parentDir), error);
  }
}

async function fillVersion(
  run: InstallRun,
  current: CurrentVersion | undefined,
  id: string,
  dir: string,
): Promise<Stamp> {
  const { recipe, layout, clock, reporter, fetch } = run;
  const { source } = recipe;
  const ref = isGitSource(source) ? (run.ref ?? source.ref) : undefined;
  const revision = isGitSource(source)
    ? await cloneSource(source, ref, dir, fetch)
    : await fetchArchive(source, dir, fetch);
  const log = openBuildLog(layout.logPath, TAIL_LINES);
  try {
    const { signal } = fetch;
    await buildTree(recipe, dir, { reporter, clock, signal, env: run.env, log, versionId: id });
  } finally {
    log.close();
  }
  reporter.stage('verify');
  const artifacts = await verifyTree(recipe, dir);
  reporter.stage('sync');
  await syncTree(dir);
  reporter.stage('stamp');
  const stamp: Stamp = {
    stampVersion: STAMP_VERSION,
    recipe: recipe.name,
    definition: withoutSecrets(recipe),
    recipeHash: recipeHash(recipe),
    settingsHash: settingsHash(recipe, run.env),
    id,
    dir,
    replaces: current?.id,
    source: withoutCredentials(isGitSource(source) ? source.git : source.archive),
    ref,
    revision,
    artifacts,
    builtAt: new Date(clock.wallNow()).toISOString(),
  };
  // Not through a link of that name, which a source may have brought along.
  await replaceFile(join(dir, STAMP_NAME), encodeStamp(stamp), { rights: { mode: 0o644 } });
  return stamp;
}

/** False where the system or the file system cannot: then there are two renames. */
function attemptExchange(a: string, b: string): boolean {
  return loadNative().exchange?.(a, b) === 0;
}
