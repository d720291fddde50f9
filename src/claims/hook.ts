import { checkOptions, oneOf, TEXT } from '../core/check-options.js';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { LockError } from '../core/errors.js';
import { errnoOf, systemError } from '../core/system-error.js';
import { ownGitEnvironment } from '../process/git/environment.js';
import { runGit } from '../process/git/run-git.js';

const MARK = '# holdfast claims hook';

/** Refuses what is known to be another agent's; without holdfast or the remote the commit is made, for the push is checked. */
const COMMIT_SCRIPT = `#!/bin/sh
${MARK}: commits only what no other agent has claimed as a path. Remove this file to stop that.
command -v holdfast >/dev/null 2>&1 || exit 0
exec holdfast claims check --pre-commit
`;

/**
 * Fails closed: without holdfast, without the remote, or with a claim of another agent on one of the pushed
 * branches, nothing is pushed.
 */
const SCRIPT = `#!/bin/sh
${MARK}: pushes a branch only if every claim on it is yours. Remove this file to stop that.
command -v holdfast >/dev/null 2>&1 || {
  echo 'holdfast is not on the PATH, so claims cannot be checked: not pushed (git push --no-verify skips this).' >&2
  exit 1
}
exec holdfast claims check --pre-push --remote "\${HOLDFAST_REMOTE:-$(git config holdfast.remote || echo "$1")}"
`;

/** What {@link installHook} did. */
export interface InstallHookResult {
  /** Path of the hook. */
  readonly path: string;
  /** Whether it was written or there already. */
  readonly outcome: 'installed' | 'already-there';
}

/**
 * Puts a pre-push hook, or the pre-commit hook, into the clone that `cwd` lies in (where `core.hooksPath` says, else its own).
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH outside of a clone, or when another hook is there already.
 */
export async function installHook(
  options: { readonly cwd?: string; readonly event?: 'pre-push' | 'pre-commit' } = {},
): Promise<InstallHookResult> {
  checkOptions(options, { cwd: TEXT, event: oneOf('pre-push', 'pre-commit') });
  const { cwd = process.cwd(), event = 'pre-push' } = options;
  const script = event === 'pre-push' ? SCRIPT : COMMIT_SCRIPT;
  const path = await hookPath(cwd, process.env, event);
  if (path === undefined) throw refusal(cwd, 'it is not in a git repository', 'Change into a clone');
  const existing = readIfThere(path);
  if (existing === script) return { path, outcome: 'already-there' };
  if (existing !== undefined && !existing.includes(MARK)) {
    throw refusal(
      path,
      'another hook is there',
      event === 'pre-push'
        ? 'Add the line to it yourself: holdfast claims check --pre-push --remote "$1" || exit 1'
        : 'Add the line to it yourself: holdfast claims check --pre-commit || exit 1',
    );
  }
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, script);
    chmodSync(path, 0o755);
  } catch (error) {
    throw systemError('install the hook', path, errnoOf(error) ?? 'EIO', error);
  }
  return { path, outcome: 'installed' };
}

/** Whether pushes of the clone are checked. */
export async function hookState(
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<'installed' | 'other' | 'none'> {
  const existing = readIfThere((await hookPath(cwd, env, 'pre-push')) ?? '');
  if (existing === undefined) return 'none';
  return existing.includes('holdfast claims check') ? 'installed' : 'other';
}

/** undefined outside of a repository. */
async function hookPath(cwd: string, env: NodeJS.ProcessEnv, event: string): Promise<string | undefined> {
  const args = ['rev-parse', '--git-path', `hooks/${event}`];
  const result = await runGit(args, { cwd, env: ownGitEnvironment(env), timeoutMs: 10_000 });
  return result.code === 0 ? resolve(cwd, result.stdout.trim()) : undefined;
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function refusal(path: string, fact: string, nextStep: string): LockError {
  return new LockError(`Could not install the hook "${path}": ${fact}. ${nextStep}.`, {
    code: 'HOLDFAST_CONFIG_MISMATCH',
    resource: path,
  });
}
