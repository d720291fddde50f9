import { ownGitEnvironment } from '../process/git/environment.js';
import { runGit } from '../process/git/run-git.js';

const PATIENCE_MS = 30_000;
const OID = /^[0-9a-f]{40,64}$/;

/**
 * What the commits change that a push would bring, as far as no remote is known to have them.
 *
 * @param tips commits at which the pushed branches stand here.
 * @param known commits at which they stand at the remote.
 * @throws Error with the words of git where it fails.
 */
export async function pushedFiles(
  tips: readonly string[],
  known: readonly string[],
  cwd = process.cwd(),
): Promise<readonly string[]> {
  const isThere = (oid: string): boolean => OID.test(oid) && !/^0+$/.test(oid);
  const pushed = tips.filter(isThere);
  if (pushed.length === 0) return [];
  const revisions = [...pushed, '--not', ...known.filter(isThere), '--remotes'];
  return files(['log', '-c', '--name-only', '-z', '--format=', '--ignore-missing', ...revisions, '--'], cwd);
}

/**
 * What the commit that is being made changes.
 *
 * @throws Error with the words of git where it fails.
 */
export function committedFiles(cwd = process.cwd()): Promise<readonly string[]> {
  return files(['diff', '--cached', '--name-only', '-z'], cwd);
}

async function files(args: readonly string[], cwd: string): Promise<readonly string[]> {
  const result = await runGit(args, { cwd, env: ownGitEnvironment(process.env), timeoutMs: PATIENCE_MS });
  if (result.code !== 0) throw new Error(`git ${args[0] ?? ''}: ${result.stderr.trim() || 'no answer'}.`);
  return [...new Set(result.stdout.split('\0').map((name) => name.trim()))].filter((name) => name !== '');
}
