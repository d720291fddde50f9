import { accessSync, constants as access } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { LockError } from '../core/errors.js';
import type { NativeAddon } from './native-contract.js';

/** src/platform, dist/platform and dist/bin (the bundled `run`) all lie two levels below the package's root. */
const PACKAGE = '../..';

let loaded: NativeAddon | undefined;
let isMissing = false;

/**
 * The native addon, loaded at the first call. There is one per environment: each worker thread gets its own.
 *
 * @throws LockError `HOLDFAST_BACKEND_UNAVAILABLE` when there is none for this platform, or it does not load.
 */
export function loadNative(): NativeAddon {
  loaded ??= open();
  return loaded;
}

/** The addon, or undefined where there is none: locks need it, everything else can do without. */
export function availableNative(): NativeAddon | undefined {
  if (isMissing) return undefined;
  try {
    return loadNative();
  } catch {
    isMissing = true;
    return undefined;
  }
}

function prebuilt(name: string): string {
  return join(import.meta.dirname, PACKAGE, 'prebuilds', `${process.platform}-${process.arch}`, name);
}

/** The program that ends the command of `run` with its hold (native/run); undefined where there is none. */
export function supervisorFile(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const file = prebuilt('holdfast-run');
  try {
    accessSync(file, access.X_OK);
    return file;
  } catch {
    return undefined;
  }
}

function open(): NativeAddon {
  const platform = `${process.platform}-${process.arch}`;
  const file = prebuilt('holdfast.node');
  const target: { exports: unknown } = { exports: {} };
  try {
    // Lazy binding would turn a missing symbol into a crash at the first lock.
    process.dlopen(target, file, constants.dlopen.RTLD_NOW);
  } catch (cause) {
    const fact = cause instanceof Error ? cause.message.split('\n', 1)[0] : String(cause);
    throw new LockError(
      `Could not load the native addon "${file}": ${fact}. ` +
        `Run "holdfast build-addon" to build it for ${platform}.`,
      { code: 'HOLDFAST_BACKEND_UNAVAILABLE', cause },
    );
  }
  return target.exports as NativeAddon;
}

/** URL of a compiled file of this package, for worker threads: `distUrl('renewal/worker.js')`. */
export function distUrl(path: string): URL {
  return new URL(`${PACKAGE}/dist/${path}`, import.meta.url);
}
