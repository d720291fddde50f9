import { readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** A clone as far as claims need to know it. */
export interface Repository {
  /** Where relative remote paths start: the working tree's top, or the bare repository itself. */
  readonly topLevel: string;
  /** What all working trees of the clone share; see git-worktree(1). */
  readonly commonDir: string;
  /** This working tree's own. */
  readonly gitDir: string;
}

/**
 * The clone that `directory` lies in; undefined outside of any. Follows gitrepository-layout(5) instead of asking
 * `git rev-parse`, which would cost a process per claim. Whether the clone may be trusted is left to git, which
 * refuses to read the configuration of somebody else's.
 */
export function findRepository(directory: string): Repository | undefined {
  for (let current = resolve(directory); ; current = dirname(current)) {
    const gitDir = gitDirIn(current);
    if (gitDir !== undefined) return { topLevel: current, commonDir: commonDirOf(gitDir), gitDir };
    if (current === dirname(current)) return undefined;
  }
}

function gitDirIn(directory: string): string | undefined {
  const dotGit = join(directory, '.git');
  const kind = kindOf(dotGit);
  if (kind === 'directory' && isGitDir(dotGit)) return dotGit;
  if (kind === 'file') {
    const target = /^gitdir: (.+?)\r?\n?$/s.exec(readFileSync(dotGit, 'utf8'))?.[1];
    if (target !== undefined) return resolve(directory, target);
  }
  return isGitDir(directory) ? directory : undefined;
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
