import type { Arbiter, ClaimRecord } from '../backends/git/index.js';
import { LockError } from '../core/errors.js';
import type { ExecResult } from '../process/exec.js';
import { ownGitEnvironment } from '../process/git/environment.js';
import { runGit } from '../process/git/run-git.js';

const PATIENCE_MS = 10_000;

/** The commit that `revision` names in the user's clone. @throws TypeError when it names none. */
export async function resolveBase(arbiter: Arbiter, revision: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const result = await gitInClone(arbiter, args);
  const oid = /^[0-9a-f]{40,64}$/m.exec(result.stdout)?.[0];
  if (result.code === 0 && oid !== undefined) return oid;
  throw new TypeError(`"${revision.slice(0, 120)}" is no revision of this clone.`);
}

/**
 * @throws LockError HOLDFAST_CONTENDED when the last holder left it at a revision that `base` lacks: work that goes on
 *   from `base` would undo that of the last holder.
 */
export async function assertNotMovedOn(
  arbiter: Arbiter,
  id: string,
  last: ClaimRecord,
  base: string | undefined,
): Promise<void> {
  if (base === undefined || last.base === undefined || last.base === base) return;
  const result = await gitInClone(arbiter, ['merge-base', '--is-ancestor', last.base, base]);
  if (result.code === 0) return;
  throw new LockError(
    `Could not claim "${id}" from ${base.slice(0, 12)}: ${last.agent} left it at ${last.base.slice(0, 12)}, which that does not contain. Fetch and start from there.`,
    { code: 'HOLDFAST_CONTENDED', resource: id },
  );
}

function gitInClone({ cwd, env }: Arbiter, args: readonly string[]): Promise<ExecResult> {
  return runGit(args, { cwd, env: ownGitEnvironment(env), timeoutMs: PATIENCE_MS });
}
