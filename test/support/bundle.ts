import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { rolldown } from 'rolldown';
import { onTestFinished } from 'vitest';

/**
 * Bundles one source file to CommonJS, as `holdfast run` is shipped, so that a child can `require` it.
 * Returns the path; the file goes when the test ends.
 */
export async function bundleSource(source: string): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-bundle-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, `${basename(source, '.ts')}.cjs`);
  const bundle = await rolldown({
    input: new URL(`../../src/${source}`, import.meta.url).pathname,
    platform: 'node',
  });
  await bundle.write({ file, format: 'cjs' });
  await bundle.close();
  return file;
}
