import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import { onTestFinished } from 'vitest';

import type { ResourceQueue } from '../../src/core/queue.js';
import type { CoreParts } from './acquire-model.js';
import { compiledTree } from './patched-folder.js';

export interface PatchedCore extends CoreParts {
  readonly ResourceQueue: typeof ResourceQueue;
}

/** A copy of the compiled core in which `was` in `file` reads `is`: a bug that a model must find. Gone after the test. */
export async function patchedCore(file: string, was: string, is: string): Promise<PatchedCore> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-core-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(compiledTree(), 'core'), folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const path = join(folder, file);
  const text = readFileSync(path, 'utf8');
  if (text.split(was).length !== 2) throw new Error(`${file} does not contain once: ${was}`);
  writeFileSync(path, text.replace(was, is));
  const load = async <T>(name: string): Promise<T> =>
    (await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href)) as T;
  const { acquire } = await load<CoreParts>('acquisition.js');
  const { Namespace } = await load<CoreParts>('namespace.js');
  const { ResourceQueue: Queue } = await load<PatchedCore>('queue.js');
  return { acquire, Namespace, ResourceQueue: Queue };
}
