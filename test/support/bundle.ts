import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';

import { whenFinished } from './finish.js';

/**
 * Bundles one source file to CommonJS, as `holdfast run` is shipped, so that a child can `require` it.
 * Returns the path; the file goes when the test ends.
 */
export async function bundleSource(source: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
  whenFinished(() => rmSync(directory, { recursive: true, force: true }));
  return bundleFile(new URL(`../../src/${source}`, import.meta.url), directory);
}

/** The same for any file, into a directory of the caller's. */
export async function bundleFile(source: URL, directory: string): Promise<string> {
  const file = join(directory, `${basename(source.pathname, '.ts')}.cjs`);
  const bundle = await rolldown({ input: source.pathname, platform: 'node' });
  await bundle.write({ file, format: 'cjs' });
  await bundle.close();
  return file;
}
