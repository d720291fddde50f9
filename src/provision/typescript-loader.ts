import { readFile } from 'node:fs/promises';
import type { LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';

import { transform } from 'sucrase';

/** A loader hook for versions of Node that do not strip types themselves. Runs in the loader's own thread. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const path = url.startsWith('file:') ? fileURLToPath(url) : '';
  if (!/\.m?ts$/.test(path)) return nextLoad(url, context);
  const { code } = transform(await readFile(path, 'utf8'), {
    transforms: ['typescript'],
    disableESTransforms: true,
    filePath: path,
  });
  return { format: 'module', source: code, shortCircuit: true };
};
