import { fileURLToPath } from 'node:url';

import { LockError } from '../../core/errors.js';
import { execFile } from '../../process/exec.js';
import { EXIT } from '../exit-codes.js';
import { print } from '../print.js';
import type { CommandForm } from '../spec.js';

export const spec: CommandForm = {
  name: 'build-addon',
  summary: 'Build the native addon for this machine',
  usage: ['build-addon'],
  description: [
    'The package brings the addon for Linux (x64, arm64), Windows (x64) and macOS. Elsewhere, or when "holdfast doctor" says that it does not load, this builds it from the C sources in the package. It needs a C compiler (cc, gcc or clang) and the right to write into the package folder.',
  ],
  options: [],
  examples: [{ command: 'holdfast build-addon && holdfast doctor', help: 'Once after the installation' }],
};

/** A compiler needs a second; one that waits for something needs a person to look. */
const BUILD_TIMEOUT_MS = 120_000;

/** Builds the addon into the installed package, for platforms that come without one. */
export async function execute(): Promise<number> {
  // Two levels below the package's root, in src as in dist.
  const script = fileURLToPath(new URL('../../../native/build.mjs', import.meta.url));
  const platform = `${process.platform}-${process.arch}`;
  const { code, stderr, stdout } = await execFile(process.execPath, [script, '--force'], {
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  if (code !== 0) {
    const output = `${stdout}${stderr}`.trim();
    throw new LockError(
      `Could not build the addon "${platform}": ${output === '' ? 'the build was ended' : output}`,
      {
        code: 'HOLDFAST_BUILD',
      },
    );
  }
  print(`Built the addon for ${platform}.`);
  return EXIT.ok;
}
