import { dirname } from 'node:path';

import type { Clock } from '../../core/time.js';
import { errnoOf, systemError } from '../../core/system-error.js';
import { makeDirectory } from '../../files/make-directory.js';
import { ClaimStore } from './claim-store.js';
import type { Deadline } from './deadline.js';
import { gitEnvironment } from './environment.js';
import { lastValue, type GitConfigEntry } from './git-config.js';
import { remoteTip } from './plumbing.js';
import { readConfig } from './read-config.js';
import { arbiterUrl } from './remote-url.js';
import { findRepository, type Repository } from './repository.js';
import { signingOf, type Signing, type SigningOptions } from './signing.js';
import { leaveStore, prepareStore, storePaths } from './store-files.js';
import type { Timeline } from './sightings.js';

const DEFAULT_REMOTE = 'origin';

/** Runs `fn` while no other process of this clone works in the store. */
export type Exclusively = <T>(lockPath: string, deadline: Deadline, fn: () => Promise<T>) => Promise<T>;

export interface ArbiterHost {
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly exclusively: Exclusively;
}

export interface ArbiterOptions {
  /** Where the clone is. */
  readonly cwd: string;
  /** Name of a remote, or a URL or path. Default: git's `holdfast.remote`, else {@link DEFAULT_REMOTE}. */
  readonly remote?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly signing?: SigningOptions;
}

/** The place that decides, and the way to it. */
export interface Arbiter {
  readonly url: string;
  readonly repository: Repository | undefined;
  readonly entries: readonly GitConfigEntry[];
  readonly env: NodeJS.ProcessEnv;
  readonly signing: Signing;
  /** Runs `fn` with the store, alone among this clone's processes. */
  use<T>(deadline: Deadline, fn: (store: ClaimStore) => Promise<T>): Promise<T>;
  /** The tip of one branch, '' when there is none, undefined when the remote did not answer. Without the lock. */
  tipOf(ref: string, deadline: Deadline): Promise<string | undefined>;
}

/**
 * Finds the clone, reads its configuration (one process, or none) and settles on one URL.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH when there is no such remote, or it has several push URLs.
 */
export async function openArbiter(options: ArbiterOptions, host: ArbiterHost): Promise<Arbiter> {
  const { cwd, env = process.env } = options;
  const repository = findRepository(cwd);
  const entries = await readConfig({ cwd, env, repository, clock: host.clock });
  const remote = options.remote ?? lastValue(entries, 'holdfast.remote') ?? DEFAULT_REMOTE;
  const url = arbiterUrl(entries, remote, repository?.topLevel ?? cwd);
  const paths = storePaths(repository, url, env);
  const signing = signingOf(options.signing ?? {}, entries);
  const git = { store: paths.store, env: gitEnvironment(env, paths.store), clock: host.clock };

  return {
    url,
    repository,
    entries,
    env,
    signing,
    use: (deadline, fn) => {
      makeStoreDirectory(dirname(paths.lock));
      return host.exclusively(paths.lock, deadline, async () => {
        await prepareStore(paths, entries);
        try {
          return await fn(new ClaimStore({ git, url, paths, entries, signing, timeline: host.timeline }));
        } finally {
          leaveStore(paths);
        }
      });
    },
    tipOf: (ref, deadline) => remoteTip(git, url, ref, deadline),
  };
}

function makeStoreDirectory(path: string): void {
  try {
    makeDirectory(path, { mode: 0o700 });
  } catch (error) {
    throw systemError('create', path, errnoOf(error) ?? 'EIO', error);
  }
}
