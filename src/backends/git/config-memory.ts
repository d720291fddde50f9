import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { join } from 'node:path';

import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import type { Clock } from '../../core/time.js';
import { ownGitEnvironment } from '../../process/git/environment.js';
import { gitFailure } from '../../process/git/failure.js';
import { runGit } from '../../process/git/run-git.js';
import { readState, replaceText } from './files.js';
import { parseGitConfig, type GitConfigEntry } from './configuration.js';
import type { Repository } from './repository.js';

const PATIENCE_MS = 10_000;
/**
 * A change within the time stamp's grain of the reading would not show. Stamps with a fraction of a second come in steps
 * of the kernel's tick (10 ms at most), those of whole seconds of up to two (FAT).
 */
const FINE_GRAIN_MS = 100;
const COARSE_GRAIN_MS = 2_000;
/** For a system-wide file in a place that we do not know of (git is built with it) and that had nothing to say. */
const LIFETIME_MS = 600_000;
/** Settings whose values may be secrets: a configuration that has one is not written down. */
const SECRET_KEY = /^(?:http|url|credential)\./;
const INCLUDE_KEY = /^include(?:if)?\./;

export interface ConfigRequest {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly repository: Repository | undefined;
  readonly clock: Clock;
}

/**
 * The configuration that git itself would use in `cwd` with this environment, includes and settings of the command line
 * resolved: one process, or none while nothing has changed since the last one.
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
  const result = await runGit(['config', '-z', '--show-scope', '--show-origin', '--list'], {
    cwd,
    env: ownGitEnvironment(env),
    timeoutMs: PATIENCE_MS,
  });
  if (result.code === 0) return parseGitConfig(result.stdout);
  throw new LockError(
    `Could not use the clone "${cwd}": git cannot read its configuration (${gitFailure(result.stderr).reason}). Check git config --list.`,
    { code: 'HOLDFAST_CONFIG_MISMATCH' },
  );
}

interface Remembered {
  readonly format: 1;
  readonly files: string;
  readonly atMs: number;
  readonly entries: readonly GitConfigEntry[];
}

/**
 * What `git config` said, good as long as every file that git reads is the same by inode, size and both times, and so is
 * the environment that git reads settings from. Saves one of the two processes of a claim. Not written down: what
 * has includes (files that we do not know), settings of the command line, or values that may be secrets.
 */
export class ConfigMemory {
  readonly #path: string;
  readonly #paths: readonly string[];
  readonly #key: string;
  readonly #clock: Clock;
  /** Read before git is asked, so that a change meanwhile shows. */
  #files: string | undefined;

  private constructor(path: string, paths: readonly string[], key: string, clock: Clock) {
    this.#path = path;
    this.#paths = paths;
    this.#key = key;
    this.#clock = clock;
  }

  /** undefined where it is not known which files git reads: Windows has one more in its own installation. */
  static of(
    { commonDir, gitDir, topLevel }: Repository,
    env: NodeJS.ProcessEnv,
    clock: Clock,
  ): ConfigMemory | undefined {
    if (process.platform === 'win32') return undefined;
    const home = env['HOME'];
    const xdg = env['XDG_CONFIG_HOME'] ?? (home === undefined ? undefined : join(home, '.config'));
    const ownFiles = home === undefined ? [] : [join(home, '.gitconfig')];
    if (xdg !== undefined && xdg !== '') ownFiles.push(join(xdg, 'git/config'));
    const globalFile = env['GIT_CONFIG_GLOBAL'];
    const paths = [
      env['GIT_CONFIG_SYSTEM'] ?? '/etc/gitconfig',
      ...(globalFile === undefined ? ownFiles : [globalFile]),
      join(commonDir, 'config'),
      join(gitDir, 'config.worktree'),
    ];
    const named = Object.entries(env).filter(
      ([name]) => (name.startsWith('GIT_') && !name.startsWith('GIT_TRACE')) || name === 'PATH',
    );
    const key = createHash('sha256')
      .update(JSON.stringify([gitDir, topLevel, named.sort(([a], [b]) => (a < b ? -1 : 1))]))
      .digest('hex');
    return new ConfigMemory(join(commonDir, 'holdfast/claims.git/holdfast/config.json'), paths, key, clock);
  }

  recall(): readonly GitConfigEntry[] | undefined {
    this.#files = this.#stamps();
    const known = this.#read();
    if (known === undefined || this.#files === undefined || known.files !== this.#files) return undefined;
    const ageMs = this.#clock.wallNow() - known.atMs;
    return ageMs >= 0 && ageMs <= LIFETIME_MS ? known.entries : undefined;
  }

  remember(entries: readonly GitConfigEntry[]): void {
    if (this.#files === undefined || !entries.every(mayBeWritten)) return;
    const known: Remembered = { format: 1, files: this.#files, atMs: this.#clock.wallNow(), entries };
    try {
      replaceText(this.#path, JSON.stringify(known), false);
    } catch {
      // The store is not there yet, or cannot be written: what needs it fails with the reason.
    }
  }

  /** undefined when one was changed a moment ago. */
  #stamps(): string | undefined {
    const nowMs = this.#clock.wallNow();
    const stamps: string[] = [this.#key];
    for (const path of this.#paths) {
      const stat = statSync(path, { bigint: true, throwIfNoEntry: false });
      // /dev/null, which some name to have no file, changes its times when it is written to.
      if (stat?.isFile() !== true) {
        stamps.push(`${path}: ${stat?.mode ?? 'none'}`);
        continue;
      }
      const { dev, ino, size, uid, mtimeNs, ctimeNs } = stat;
      if ([mtimeNs, ctimeNs].some((atNs) => nowMs - Number(atNs / 1_000_000n) < grainOf(atNs)))
        return undefined;
      stamps.push(`${path}: ${[dev, ino, size, uid, mtimeNs, ctimeNs].join(' ')}`);
    }
    return stamps.join('\n');
  }

  #read(): Remembered | undefined {
    try {
      const known = JSON.parse(readState(this.#path, 'self') ?? '') as Remembered | undefined;
      return known?.format === 1 && Array.isArray(known.entries) ? known : undefined;
    } catch {
      return undefined;
    }
  }
}

function mayBeWritten({ scope, key, value }: GitConfigEntry): boolean {
  if (scope === 'command' || SECRET_KEY.test(key) || INCLUDE_KEY.test(key)) return false;
  return withoutCredentials(value) === value && !/\/\/[^/\s]*@/.test(value);
}

function grainOf(atNs: bigint): number {
  return atNs % 1_000_000_000n === 0n ? COARSE_GRAIN_MS : FINE_GRAIN_MS;
}
