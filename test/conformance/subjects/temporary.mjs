import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Paths in a folder that goes away with the process. Not made before the first is asked for. */
export function temporaryPaths() {
  let folder;
  let count = 0;
  return () => {
    if (folder === undefined) {
      folder = mkdtempSync(join(tmpdir(), 'holdfast-conformance-'));
      process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
    }
    return join(folder, `resource-${++count}.lock`);
  };
}
