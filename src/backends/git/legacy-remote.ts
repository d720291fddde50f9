import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { GitConfigEntry } from './configuration.js';
import type { Repository } from './repository.js';

/**
 * What older clones have in `remotes/NAME` (lines of `URL: ...`) and `branches/NAME` (a URL) instead of the configuration, in
 * the form of the latter; see gitrepository-layout(5). Git 3 reads neither.
 */
export function legacyRemote(repository: Repository | undefined, name: string): readonly GitConfigEntry[] {
  if (repository === undefined || /^\.{0,2}$|[/\\]/.test(name)) return [];
  const path = (folder: string): string => join(repository.commonDir, folder, name);
  const lines = linesOf(path('remotes'));
  const urls = lines.flatMap((line) => /^URL:\s*(.+)$/.exec(line)?.[1] ?? []);
  const [first] = linesOf(path('branches'));
  if (urls.length === 0 && first !== undefined) urls.push(first.replace(/#.*$/, ''));
  return urls.map((value) => ({ scope: 'local', origin: path(''), key: `remote.${name}.url`, value }));
}

function linesOf(path: string): string[] {
  try {
    return readFileSync(path, 'utf8')
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '');
  } catch {
    return [];
  }
}
