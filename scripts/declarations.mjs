import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The declarations that those at `paths` need, with them. */
export function declarationsOf(paths) {
  const found = new Set(paths);
  for (const path of found) {
    for (const [, from] of readFileSync(path, 'utf8').matchAll(/['"](\.{1,2}\/[^'"]+)\.js['"]/g))
      found.add(resolve(dirname(path), `${from}.d.ts`));
  }
  return found;
}
