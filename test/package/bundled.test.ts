import { chownSync, copyFileSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';

import { Consumer, tools } from './consumer.js';
import { EVERY_KIND_FUNCTION, EVERYTHING } from './every-kind.js';

const app = new Consumer('node20', afterAll);
beforeAll(() => app.install(inject('tarball')));

/** Bundles `source` and returns the path of the one file. */
async function bundle(
  bundler: 'esbuild' | 'rolldown',
  format: 'esm' | 'cjs',
  source: string,
): Promise<string> {
  const name = `${bundler}-${format}`;
  const output = join(app.directory, `${name}.${format === 'esm' ? 'mjs' : 'cjs'}`);
  app.write(`${name}-source.mjs`, source);
  const args =
    bundler === 'esbuild'
      ? [
          'esbuild/bin/esbuild',
          '--bundle',
          '--minify',
          '--platform=node',
          `--format=${format}`,
          `--outfile=${output}`,
        ]
      : ['rolldown/bin/cli.mjs', '--platform=node', '--minify', `--format=${format}`, `--file=${output}`];
  const [program = '', ...options] = args;
  const isProgram = bundler === 'esbuild';
  const command = [join(tools, program), `${name}-source.mjs`, ...options];
  const done = await (isProgram ? app.run(...(command as [string])) : app.node(...command));
  expect(done.code, done.stderr).toBe(0);
  return output;
}

/** Where no package of ours is installed. */
function away(file: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'holdfast-away-'));
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const copy = join(directory, file.endsWith('.cjs') ? 'app.cjs' : 'app.mjs');
  copyFileSync(file, copy);
  return copy;
}

const printed = ({ stdout, stderr }: { stdout: string; stderr: string }): unknown =>
  stdout === '' ? stderr : (JSON.parse(stdout) as unknown);

describe.each(['esbuild', 'rolldown'] as const)('bundled by %s', (bundler) => {
  test.each(['esm', 'cjs'] as const)('as %s, beside the installed package', async (format) => {
    const file = await bundle(bundler, format, EVERY_KIND_FUNCTION);

    expect(printed(await app.node(file))).toEqual(EVERYTHING);
  });
});

test('a bundle of withLock alone has at most 60 KB', async () => {
  const source = "import { withLock } from 'holdfast';\nawait withLock('x.lock', () => console.log('held'));";
  const file = await bundle('esbuild', 'esm', source);

  // As bundlers count.
  expect(statSync(file).size).toBeLessThan(60 * 1_024);
  expect((await app.node(file)).stdout).toBe('held\n');
});

test('an import that nothing uses leaves nothing in the bundle', async () => {
  const file = await bundle('esbuild', 'esm', "import 'holdfast';\nimport 'holdfast/durable';\n");

  expect(statSync(file).size).toBe(0);
});

describe('a bundle without the package', () => {
  const installed = (path: string): string => join(app.directory, 'node_modules/holdfast', path);

  test('says what is missing and what to do', async () => {
    const found = printed(await app.node(away(await bundle('esbuild', 'esm', EVERY_KIND_FUNCTION))));

    expect(found).toMatchObject({ memory: true });
    for (const kind of ['kernel', 'fencing', 'lease'])
      expect(found).toHaveProperty(
        kind,
        expect.stringMatching(/bundled.*external.*HOLDFAST_ADDON.*bundling\.md/),
      );
  });

  test.each(['esm', 'cjs'] as const)('as %s, takes kernel locks with HOLDFAST_ADDON', async (format) => {
    const file = away(await bundle('esbuild', format, EVERY_KIND_FUNCTION));
    const HOLDFAST_ADDON = installed('prebuilds/linux-x64/holdfast.node');

    const found = printed(await app.runWith({ HOLDFAST_ADDON }, process.execPath, file));

    expect(found).toMatchObject({ kernel: true, contended: 'HOLDFAST_TIMEOUT', fencing: 'bigint' });
  });

  test('does everything with HOLDFAST_WORKER, which names a whole copy', async () => {
    const file = away(await bundle('esbuild', 'esm', EVERY_KIND_FUNCTION));
    const HOLDFAST_WORKER = installed('dist/renewal/worker.js');

    expect(printed(await app.runWith({ HOLDFAST_WORKER }, process.execPath, file))).toEqual(EVERYTHING);
  });

  test('refuses an addon that another user owns', async () => {
    const file = away(await bundle('esbuild', 'esm', EVERY_KIND_FUNCTION));
    const HOLDFAST_ADDON = join(app.directory, 'planted.node');
    copyFileSync(installed('prebuilds/linux-x64/holdfast.node'), HOLDFAST_ADDON);
    chownSync(HOLDFAST_ADDON, 65534, 65534);

    const found = printed(await app.runWith({ HOLDFAST_ADDON }, process.execPath, file));

    expect(found).toHaveProperty('kernel', expect.stringContaining('belongs to another user'));
  });
});
