import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { LockError } from '../core/errors.js';
import { isTrustedFile } from './trusted-file.js';

/** Names the addon, where it does not lie in the package: a program that was bundled, or packed into one file. */
const ADDON_VARIABLE = 'HOLDFAST_ADDON';
/** Names renewal/worker.js in a copy of the package's `dist`; all other files are found beside it. */
const WORKER_VARIABLE = 'HOLDFAST_WORKER';

const WORKER = 'dist/renewal/worker.js';

/** src/platform, dist/lib, dist/cjs and dist/bin (the bundled `run`) all lie two levels below the package's root. */
const ROOT = '../..';

/** Of an addon or worker of ours in the environment. @throws LockError HOLDFAST_PERMISSION for another user's file. */
function given(variable: string): string | undefined {
  const file = process.env[variable];
  if (file === undefined || file === '') return undefined;
  if (!existsSync(file)) {
    throw new LockError(`Could not use ${variable}: there is no file "${file}". Correct it or unset it.`, {
      code: 'HOLDFAST_BACKEND_UNAVAILABLE',
      resource: file,
    });
  }
  if (isTrustedFile(file)) return file;
  throw new LockError(
    `Could not use ${variable}: "${file}" belongs to another user, or every user may write it. Correct its owner and mode, or unset ${variable}.`,
    { code: 'HOLDFAST_PERMISSION', resource: file },
  );
}

/** Where this code lies: in the package, or where a bundler has put it. Undefined inside some single-file programs. */
function ownDirectory(): string | undefined {
  // jest 29 lacks the first; of a bundler that writes CommonJS only the last is left.
  const dirname = import.meta.dirname as string | undefined;
  if (dirname !== undefined) return dirname;
  const url = import.meta.url as string | undefined;
  if (url?.startsWith('file:') === true) return fileURLToPath(new URL('.', url));
  return typeof __dirname === 'string' ? __dirname : undefined;
}

let root: string | undefined;

/** The package's folder: around this code, else where an `import` from this code or from the program finds it. */
function packageRoot(): string {
  return (root ??= findRoot());
}

function findRoot(): string {
  const worker = given(WORKER_VARIABLE);
  if (worker !== undefined) return join(worker, '../../..');
  const own = ownDirectory();
  if (own !== undefined && existsSync(join(own, ROOT, WORKER))) return join(own, ROOT);
  for (const start of [own && join(own, 'x.js'), process.argv[1]]) {
    const found = start === undefined ? undefined : resolvePackage(start);
    if (found !== undefined) return found;
  }
  throw new LockError(
    'Could not find the files of "holdfast": this program is bundled, or packed into one file, without them. ' +
      'Keep holdfast external in the bundler and install it beside the program, ' +
      `or set ${ADDON_VARIABLE} and ${WORKER_VARIABLE}; see docs/how-to/bundling.md.`,
    { code: 'HOLDFAST_BACKEND_UNAVAILABLE' },
  );
}

function resolvePackage(from: string): string | undefined {
  try {
    // Loaded here: it brings what customizes the loading of modules along.
    const { createRequire } = process.getBuiltinModule('node:module');
    return join(createRequire(from).resolve('holdfast/package.json'), '..');
  } catch {
    return undefined;
  }
}

/** URL of a compiled file of this package, for worker threads: `distUrl('renewal/worker.js')`. */
export function distUrl(path: string): URL {
  return pathToFileURL(join(packageRoot(), 'dist', path));
}

/**
 * Imports a part of this package that is loaded only when it is needed. The build puts it in the place of `import()`,
 * so that bundlers leave such parts in the package: most of them need its worker and its addon there anyway.
 */
export function importPart(path: string): Promise<unknown> {
  return import(/* webpackIgnore: true */ /* @vite-ignore */ distUrl(path).href);
}

/** Where a file of `prebuilds` for this platform may lie; the first that is there counts. */
export function* prebuiltFiles(name: 'holdfast.node' | 'holdfast-run'): Generator<string> {
  if (name === 'holdfast.node') {
    const addon = given(ADDON_VARIABLE);
    if (addon !== undefined) return yield addon;
  }
  const below = join('prebuilds', `${process.platform}-${process.arch}`, name);
  const own = ownDirectory();
  if (own !== undefined) yield join(own, ROOT, below);
  yield join(packageRoot(), below);
}
