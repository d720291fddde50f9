import { lstat } from 'node:fs/promises';

import { checkOptions } from '../core/check-options.js';
import { systemClock } from '../platform/clock.js';
import { withLock } from '../locks/acquire.js';
import { ownLock } from '../locks/lock.js';
import { fileError, installError } from './errors.js';
import { lockOptionsOf, REMOVE_OPTIONS, type RemoveOptions } from './install-options.js';
import { placeOf } from './place.js';
import type { Recipe } from './recipe.js';
import { removeAll } from './versions.js';

/** What {@link remove} did. */
export interface Removal {
  /** False when there was nothing to remove. */
  readonly wasInstalled: boolean;
  /** The directory, absolute. */
  readonly installDir: string;
}

/**
 * Removes every version of a toolchain, and the link to them. Its lock file stays, and so does whatever was never ours:
 * a directory of the user's at the same place, or one that an install had set aside.
 *
 * @throws LockError HOLDFAST_TIMEOUT, HOLDFAST_CONTENDED, HOLDFAST_CANCELED, HOLDFAST_PERMISSION, HOLDFAST_IO;
 *   HOLDFAST_UNSUPPORTED for a toolchain that a variable names and that is the user's own.
 */
export async function remove(recipe: Recipe, options: RemoveOptions = {}): Promise<Removal> {
  checkOptions(options, REMOVE_OPTIONS);
  const place = await placeOf(recipe, options.dir, options.env ?? process.env);
  if (place.kind === 'provided') {
    throw installError(
      'HOLDFAST_UNSUPPORTED',
      recipe.name,
      `${place.chosenBy} names a toolchain of yours, which is not removed`,
      `Unset ${place.chosenBy} to remove what was installed by Holdfast`,
    );
  }
  const { layout } = place;
  const { installDir } = layout;
  if ((await lstat(layout.parentDir).catch(() => undefined)) === undefined)
    return { wasInstalled: false, installDir };
  const lockOptions = lockOptionsOf(`remove ${recipe.name}`, options);
  try {
    const wasInstalled = await withLock(ownLock(layout.lockPath), lockOptions, () =>
      removeAll(layout, systemClock),
    );
    return { wasInstalled, installDir };
  } catch (error) {
    throw fileError('remove', installDir, error);
  }
}
