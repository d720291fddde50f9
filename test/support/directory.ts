import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { whenFinished } from './finish.js';

/** A directory of this test's own, removed when the test ends. */
export function testDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'holdfast-'));
  whenFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}
