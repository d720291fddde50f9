import { statSync } from 'node:fs';
import { join } from 'node:path';

import type { Clock } from '../../core/time.js';
import { readJson, replaceJson } from './files.js';
import type { GitConfigEntry } from './git-config.js';
import type { Repository } from './repository.js';

/**
 * A change within the time stamp's grain of the reading would not show. Stamps with a fraction of a second come in steps
 * of the kernel's tick (10 ms at most), those of whole seconds of up to two (FAT).
 */
const FINE_GRAIN_MS = 100;
const COARSE_GRAIN_MS = 2_000;
/** For a system-wide file in a place that we do not know of (git is built with it) and that had nothing to say. */
const LIFETIME_MS = 600_000;

interface Remembered {
  readonly schema: 1;
  readonly files: string;
  readonly atMs: number;
  readonly entries: readonly GitConfigEntry[];
}

/**
 * The answer of `git config`, good as long as every file that git reads is the same by inode, size and both times. Saves
 * a process of the two that a claim needs. A configuration with includes is not remembered: it has files that we do
 * not know.
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
    { commonDir, gitDir }: Repository,
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
    const key = JSON.stringify([gitDir, env['GIT_CONFIG_NOSYSTEM'], env['PATH']]);
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
    if (this.#files === undefined || entries.some(({ key }) => /^include(?:if)?\./.test(key))) return;
    const known: Remembered = { schema: 1, files: this.#files, atMs: this.#clock.wallNow(), entries };
    try {
      // 0600, like the store's own configuration: it may hold the clone's http.extraHeader.
      replaceJson(this.#path, known, false);
    } catch {
      // The store is not there yet, or cannot be written: whoever needs it will tell.
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
      const known = readJson(this.#path) as Remembered | undefined;
      return known?.schema === 1 && Array.isArray(known.entries) ? known : undefined;
    } catch {
      return undefined;
    }
  }
}

function grainOf(atNs: bigint): number {
  return atNs % 1_000_000_000n === 0n ? COARSE_GRAIN_MS : FINE_GRAIN_MS;
}
