import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const THIS = fileURLToPath(new URL('../..', import.meta.url));

/** The last commit before formats had numbers. */
const COMMIT = '2293fd6caf11eb4f6e0a8b2ede65e0927c2034f9';

/** Builds the package of {@link COMMIT} in `directory`. Needs the history of the repository. */
export function buildPrevious(directory: string): string {
  const run = (command: string, ...args: string[]): Buffer =>
    execFileSync(command, args, { cwd: directory, stdio: ['ignore', 'pipe', 'inherit'], maxBuffer: 1 << 30 });
  mkdirSync(directory, { recursive: true });
  const tree = execFileSync('git', ['-C', THIS, 'archive', COMMIT], { maxBuffer: 1 << 30 });
  execFileSync('tar', ['-x', '-C', directory], { input: tree });
  symlinkSync(join(THIS, 'node_modules'), join(directory, 'node_modules'));
  run(process.execPath, 'native/build.mjs');
  run(process.execPath, 'node_modules/.bin/tsc', '-p', 'tsconfig.build.json');
  for (const config of ['rolldown.typescript.config.mjs', 'rolldown.config.mjs'])
    run('node_modules/.bin/rolldown', '-c', config);
  run(process.execPath, 'scripts/code-cache.mjs');
  return directory;
}
