import { accessSync, existsSync, constants as access } from 'node:fs';
import { constants } from 'node:os';

import { LockError } from '../core/errors.js';
import type { NativeAddon } from './native-contract.js';
import { prebuiltFiles } from './package-files.js';

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

/** The program that ends the command of `run` with its hold (native/run); undefined where there is none. */
export function supervisorFile(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    for (const file of prebuiltFiles('holdfast-run')) if (isExecutable(file)) return file;
  } catch {
    // No package around this program.
  }
  return undefined;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, access.X_OK);
    return true;
  } catch {
    return false;
  }
}

function open(): NativeAddon {
  const target: { exports: unknown } = { exports: {} };
  let firstFailure: LockError | undefined;
  for (const file of prebuiltFiles('holdfast.node')) {
    try {
      // Lazy binding would turn a missing symbol into a crash at the first lock.
      process.dlopen(target, file, constants.dlopen.RTLD_NOW);
      return target.exports as NativeAddon;
    } catch (cause) {
      firstFailure ??= loadFailure(file, cause);
      if (existsSync(file)) break;
    }
  }
  throw firstFailure as LockError;
}

function loadFailure(file: string, cause: unknown): LockError {
  const fact = cause instanceof Error ? cause.message.split('\n', 1)[0]?.replace(/\.$/, '') : String(cause);
  const nextStep =
    (cause as { code?: unknown }).code === 'ERR_DLOPEN_DISABLED'
      ? 'Start node with --allow-addons (under --permission), and without --no-addons.'
      : `Run "holdfast build-addon" to build it for ${process.platform}-${process.arch}.`;
  return new LockError(`Could not load the native addon "${file}": ${fact}. ${nextStep}`, {
    code: 'HOLDFAST_BACKEND_UNAVAILABLE',
    cause,
  });
}
