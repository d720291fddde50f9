import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import type { CoreParts } from './acquire-model.js';

const CORE = fileURLToPath(new URL('../../dist/core', import.meta.url));

/** A copy of the compiled core in which `was` in `file` reads `is`: a bug that the model must find. */
export async function patchedCore(
  file: string,
  was: string,
  is: string,
): Promise<CoreParts & { folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-core-'));
  cpSync(CORE, folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(was).length !== 2) throw new Error(`${file} does not contain once: ${was}`);
  writeFileSync(path, text.replace(was, is));
  const load = async <T>(name: string): Promise<T> =>
    (await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)) as T;
  const { acquire } = await load<CoreParts>('acquire.js');
  const { LockSpace } = await load<CoreParts>('lock-space.js');
  return { acquire, LockSpace, folder };
}
