import { gitEnvironment, type ClaimRecord } from '../backends/git/index.js';
import { LockError } from '../core/errors.js';
import { execFile } from '../process/exec.js';
import type { Session } from './session.js';

const PATIENCE_MS = 10_000;

/** The commit that `revision` names in the user's clone. @throws TypeError when it names none. */
export async function resolveBase(session: Session, revision: string): Promise<string> {
  const args = ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`];
  const result = await gitInClone(session, args);
  const oid = /^[0-9a-f]{40,64}$/m.exec(result.stdout)?.[0];
  if (result.code === 0 && oid !== undefined) return oid;
  throw new TypeError(`"${revision.slice(0, 120)}" is no revision of this clone.`);
}

/**
 * @throws LockError HOLDFAST_CONTENDED when the one who had it last left it at a revision that `base` lacks:
 *   whoever works on from `base` would undo that work.
 */
export async function assertNotMovedOn(
  session: Session,
  id: string,
  last: ClaimRecord,
  base: string | undefined,
): Promise<void> {
  if (base === undefined || last.base === undefined || last.base === base) return;
  const result = await gitInClone(session, ['merge-base', '--is-ancestor', last.base, base]);
  if (result.code === 0) return;
  throw new LockError(
    `Could not claim "${id}" from ${base.slice(0, 12)}: ${last.agent} left it at ${last.base.slice(0, 12)}, which that does not contain. Fetch and start from there.`,
    { code: 'HOLDFAST_CONTENDED', resource: id },
  );
}

function gitInClone(session: Session, args: readonly string[]): ReturnType<typeof execFile> {
  const env = gitEnvironment(session.arbiter.env, undefined);
  return execFile('git', args, { cwd: session.cwd, env, timeoutMs: PATIENCE_MS });
}
