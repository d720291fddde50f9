import { LockError } from '../../core/errors.js';
import type { Clock } from '../../core/time.js';
import { execFile } from '../../process/exec.js';
import { ConfigMemory } from './config-memory.js';
import { gitEnvironment } from './environment.js';
import { reasonIn } from './failures.js';
import { CONFIG_PATTERN, parseGitConfig, type GitConfigEntry } from './git-config.js';
import { noGitError } from './plumbing.js';
import type { Repository } from './repository.js';

const PATIENCE_MS = 10_000;

export interface ConfigRequest {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly repository: Repository | undefined;
  readonly clock: Clock;
}

/**
 * What git says about its configuration: one process, or none while nothing has changed since the last one.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when git cannot read it, HOLDFAST_BACKEND_UNAVAILABLE without git.
 */
export async function readConfig(request: ConfigRequest): Promise<readonly GitConfigEntry[]> {
  const { env, repository, clock } = request;
  const memory = repository && ConfigMemory.of(repository, env, clock);
  const remembered = memory?.recall();
  if (remembered !== undefined) return remembered;
  const entries = await askGit(request);
  memory?.remember(entries);
  return entries;
}

async function askGit({ cwd, env }: ConfigRequest): Promise<GitConfigEntry[]> {
  try {
    const result = await execFile('git', ['config', '-z', '--show-scope', '--get-regexp', CONFIG_PATTERN], {
      cwd,
      env: gitEnvironment(env, undefined),
      timeoutMs: PATIENCE_MS,
    });
    // 1: nothing matches.
    if (result.code === 0 || (result.code === 1 && result.stderr === ''))
      return parseGitConfig(result.stdout);
    throw new LockError(
      `Could not use the clone "${cwd}": git cannot read its configuration (${reasonIn(result.stderr)}). Check git config --list.`,
      { code: 'HOLDFAST_CONFIG_MISMATCH' },
    );
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noGitError(error);
    throw error;
  }
}
