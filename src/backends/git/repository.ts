import { readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';

import { LockError } from '../../core/errors.js';
import { ownGitEnvironment } from '../../process/git/environment.js';
import { gitFailure } from '../../process/git/failure.js';
import { runGit } from '../../process/git/run-git.js';
import type { GitConfigEntry } from './configuration.js';

const PATIENCE_MS = 10_000;

/** A clone as far as claims need to know it. */
export interface Repository {
  /** Where git works, and where relative paths start: the working tree's top, or the bare repository itself. */
  readonly topLevel: string;
  /** What all working trees of the clone share; see git-worktree(1). */
  readonly commonDir: string;
  /** This working tree's own. */
  readonly gitDir: string;
}

/**
 * The clone that `place` lies in, or that `GIT_DIR` names; undefined outside of any. Follows gitrepository-layout(5)
 * instead of asking `git rev-parse`, which would cost a process per claim. {@link verdictOn} says whether it may be used.
 */
export function findRepository(place: string, env: NodeJS.ProcessEnv = {}): Repository | undefined {
  // As git, which stands in it: a parent is the parent of the place itself, not of a link to it.
  const directory = realPath(place) ?? place;
  const named = env['GIT_DIR'];
  if (named !== undefined) {
    const gitDir = gitDirAt(resolve(directory, named));
    return gitDir === undefined ? undefined : repositoryAt(gitDir, workTreeOf(directory, env), env);
  }
  for (let current = resolve(directory); ; current = dirname(current)) {
    const gitDir = gitDirAt(join(current, '.git')) ?? (isGitDir(current) ? current : undefined);
    if (gitDir !== undefined) return repositoryAt(gitDir, current, env);
    if (current === dirname(current)) return undefined;
  }
}

/**
 * What git says of a repository that was found without it. `elsewhere`: it finds none there (`GIT_CEILING_DIRECTORIES`), so that
 * the caller is outside of any.
 */
export type Verdict = LockError | 'usable' | 'elsewhere';

/**
 * Why git does not take its configuration from `repository`: it belongs to another user whom the caller does not trust
 * (`safe.directory`), git finds another one, or cannot read this one. A repository that git refuses runs
 * commands of its owner, so nothing in it may be used.
 *
 * @param entries what {@link readConfig} returned in the same directory.
 */
export async function verdictOn(
  repository: Repository,
  entries: readonly GitConfigEntry[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<Verdict> {
  const own = realPath(join(repository.commonDir, 'config'));
  const isRead = entries.some(
    ({ scope, origin }) =>
      scope === 'local' && own !== undefined && realPath(resolve(repository.topLevel, origin)) === own,
  );
  if (isRead) return 'usable';
  const result = await runGit(['rev-parse', '--path-format=absolute', '--git-common-dir'], {
    cwd,
    env: ownGitEnvironment(env),
    timeoutMs: PATIENCE_MS,
  });
  const found = result.code === 0 ? realPath(result.stdout.trimEnd()) : undefined;
  if (found !== undefined && found === realPath(repository.commonDir)) return 'usable';
  const { reason, kind } = gitFailure(result.stderr);
  if (reason.startsWith('not a git repository')) return 'elsewhere';
  const { topLevel } = repository;
  const isDistrusted = result.code === 0 || kind === 'denied';
  const fact =
    result.code === 0 ? `git uses ${result.stdout.trimEnd()} instead` : `git refuses it (${reason})`;
  const nextStep = isDistrusted
    ? `If you trust its owner: git config --global --add safe.directory "${topLevel}"`
    : 'Look at it with: git status';
  return new LockError(`Could not use the clone "${topLevel}": ${fact}. ${nextStep}.`, {
    code: isDistrusted ? 'HOLDFAST_PERMISSION' : 'HOLDFAST_CONFIG_MISMATCH',
    resource: topLevel,
  });
}

function repositoryAt(gitDir: string, topLevel: string, env: NodeJS.ProcessEnv): Repository {
  const named = env['GIT_COMMON_DIR'];
  return { topLevel, gitDir, commonDir: named === undefined ? commonDirOf(gitDir) : resolve(named) };
}

/** With `GIT_DIR` git stays where it is, unless that is inside of `GIT_WORK_TREE`. */
function workTreeOf(directory: string, env: NodeJS.ProcessEnv): string {
  const current = resolve(directory);
  const named = env['GIT_WORK_TREE'];
  if (named === undefined) return current;
  const top = resolve(directory, named);
  return relative(top, current).startsWith('..') ? current : top;
}

/** The repository that `path` is, or that the file `path` names. */
function gitDirAt(path: string): string | undefined {
  if (kindOf(path) !== 'file') return isGitDir(path) ? path : undefined;
  const target = /^gitdir: (.+?)\r?\n?$/s.exec(readFileSync(path, 'utf8'))?.[1];
  return target === undefined ? undefined : resolve(dirname(path), target);
}

function isGitDir(path: string): boolean {
  if (kindOf(join(path, 'HEAD')) !== 'file') return false;
  return (
    kindOf(join(path, 'commondir')) === 'file' ||
    (kindOf(join(path, 'objects')) === 'directory' && kindOf(join(path, 'refs')) === 'directory')
  );
}

function commonDirOf(gitDir: string): string {
  try {
    return resolve(gitDir, readFileSync(join(gitDir, 'commondir'), 'utf8').trim());
  } catch {
    return gitDir;
  }
}

function kindOf(path: string): 'file' | 'directory' | undefined {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return stat.isDirectory() ? 'directory' : 'file';
}

function realPath(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}
