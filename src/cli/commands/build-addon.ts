import { fileURLToPath } from 'node:url';

import { LockError } from '../../core/errors.js';
import { execFile } from '../../process/exec-file.js';
import { EXIT } from '../exit-codes.js';
import { print } from '../output.js';

/** A compiler needs a second; one that waits for something needs somebody to look. */
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
