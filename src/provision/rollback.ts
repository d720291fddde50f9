import { checkOptions, TEXT, type OptionRule } from '../core/check-options.js';
import { systemClock } from '../platform/clock.js';
import { withLock } from '../locks/acquire.js';
import { ownLock } from '../locks/lock.js';
import { fileError, installError } from './errors.js';
import { lockOptionsOf, REMOVE_OPTIONS, type RemoveOptions } from './install-options.js';
import { versionDir, type Layout } from './layout.js';
import { placeOf } from './place.js';
import type { Recipe } from './recipe.js';
import { damageOf } from './verify.js';
import { readStamp } from './stamp.js';
import { currentVersion, listVersions, recoverSwitch, sweepVersions, switchTo } from './versions.js';

/** Options of {@link rollback}. */
export interface RollbackOptions extends RemoveOptions {
  /** Id of the version to return to. Default: the one that the current version replaced. */
  readonly to?: string;
}

const ROLLBACK_OPTIONS = { ...REMOVE_OPTIONS, to: TEXT } satisfies Record<keyof RollbackOptions, OptionRule>;

/** What {@link rollback} did. */
export interface Rollback {
  /** Id of the version that was current. */
  readonly from: string;
  /** Version that is in use now. */
  readonly to: string;
  /** The version's own directory. */
  readonly dir: string;
  /** Commit id or checksum that it was built from. */
  readonly revision: string;
}

/**
 * Makes an earlier version current again. The version that it takes the place of is kept like any other, and an install
 * with `update` builds the newest again.
 *
 * @throws LockError HOLDFAST_UNSUPPORTED when there is no such version, HOLDFAST_BUILD when it is damaged;
 *   HOLDFAST_TIMEOUT, HOLDFAST_CONTENDED, HOLDFAST_CANCELED, HOLDFAST_PERMISSION, HOLDFAST_IO.
 */
export async function rollback(recipe: Recipe, options: RollbackOptions = {}): Promise<Rollback> {
  checkOptions(options, ROLLBACK_OPTIONS);
  const place = await placeOf(recipe, options.dir, options.env ?? process.env);
  if (place.kind === 'provided') {
    const fact = `${place.chosenBy} names a toolchain of yours, which has no versions of ours`;
    throw installError('HOLDFAST_UNSUPPORTED', recipe.name, fact, `Unset ${place.chosenBy}`);
  }
  const { layout } = place;
  if ((await currentVersion(layout)) === undefined) throw noVersion(recipe, 'nothing is installed');
  const lockOptions = lockOptionsOf(`rollback ${recipe.name}`, options);
  try {
    return await withLock(ownLock(layout.lockPath), lockOptions, () =>
      rollbackLocked(recipe, layout, options.to),
    );
  } catch (error) {
    throw fileError('roll back', layout.installDir, error);
  }
}

async function rollbackLocked(recipe: Recipe, layout: Layout, wanted: string | undefined): Promise<Rollback> {
  await recoverSwitch(layout);
  const current = await currentVersion(layout);
  const to = wanted ?? current?.stamp?.replaces;
  if (current === undefined || to === undefined)
    throw noVersion(recipe, 'the current version replaced no other');
  const dir = versionDir(layout, to);
  const stamp = (await listVersions(layout)).includes(to) ? await readStamp(dir) : undefined;
  if (stamp === undefined) throw noVersion(recipe, `there is no version "${to}"`);
  const damage = await damageOf(dir, stamp.artifacts);
  if (damage !== undefined)
    throw installError(
      'HOLDFAST_BUILD',
      recipe.name,
      `version "${to}" is damaged: ${damage}`,
      'Set up again',
    );
  if (to !== current.id) await switchTo(layout, to, systemClock.wallNow());
  await sweepVersions(layout, systemClock);
  return { from: current.id, to, dir, revision: stamp.revision };
}

function noVersion(recipe: Recipe, fact: string) {
  const next = 'See "holdfast setup list --all"';
  return installError('HOLDFAST_UNSUPPORTED', recipe.name, fact, next);
}
