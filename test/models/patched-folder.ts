import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The build, for folders that are not put into one file. It finds the addon. */
export const BUILT = join(ROOT, 'dist');

/** The sources as modules of their own, which the build puts into one file. Gone with the process. */
let compiled: string | undefined;

export function compiledTree(): string {
  if (compiled === undefined) {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-compiled-'));
    process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    const options = ['-p', 'tsconfig.build.json', '--outDir', folder, '--declaration', 'false'];
    execFileSync(join(ROOT, 'node_modules/.bin/tsc'), options, { cwd: ROOT });
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
    compiled = folder;
  }
  return compiled;
}

/**
 * A copy of one folder of `tree` beside the real others, in which `was` in `file` reads `is`: a bug that a model must find.
 * Returns what loads its modules. Gone after the test.
 */
export function patchedFolder(
  tree: string,
  [folder, file]: readonly [folder: string, file: string],
  [was, is]: readonly [was: string, is: string],
): <T>(name: string) => Promise<T> {
  const root = mkdtempSync(join(tmpdir(), 'holdfast-patched-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const name of readdirSync(tree)) {
    if (name === folder) cpSync(join(tree, name), join(root, name), { recursive: true });
    else symlinkSync(join(tree, name), join(root, name));
  }
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  const path = join(root, folder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(was).length !== 2) throw new Error(`${file} does not contain once: ${was}`);
  writeFileSync(path, text.replace(was, is));
  return async <T>(name: string) =>
    (await import(/* @vite-ignore */ pathToFileURL(join(root, folder, name)).href)) as T;
}
