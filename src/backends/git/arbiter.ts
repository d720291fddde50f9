import type { Clock } from '../../core/time.js';
import type { Timeline } from '../../platform/first-seen.js';
import { agentNamed } from './agent.js';
import { ClaimStore, OtherFormat } from './claim-store.js';
import { readConfig } from './config-memory.js';
import { lastValue, transportSettings, type GitConfigEntry } from './configuration.js';
import type { Deadline } from './config.js';
import type { ObjectFormat } from './objects.js';
import { legacyRemote } from './legacy-remote.js';
import { Git } from './plumbing.js';
import { isUrl, remoteOf, type Remote } from './remote.js';
import { findRepository, verdictOn, type Repository } from './repository.js';
import { signingOf, type Signing, type SigningOptions } from './signing.js';
import { noteStarted, storePaths, withStore, type Exclusively, type StorePaths } from './store.js';

const DEFAULT_REMOTE = 'origin';

export interface ArbiterHost {
  readonly clock: Clock;
  readonly timeline: Timeline;
  readonly exclusively: Exclusively;
}

export interface ArbiterOptions {
  /** Where the clone is. */
  readonly cwd: string;
  /** Name of a remote, or a URL or path. Default: git's `holdfast.remote`, else {@link DEFAULT_REMOTE}. */
  readonly remote?: string | undefined;
  /** The agent that claims. Default: HOLDFAST_AGENT, else `user@host/worktree`. */
  readonly agent?: string | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signing?: SigningOptions | undefined;
}

/** The place that decides, and the way to it. */
export class Arbiter {
  readonly remote: Remote;
  /** As the clone's own git takes it. May contain credentials: never print it. */
  readonly remoteAsNamed: string;
  readonly agent: string;
  readonly repository: Repository | undefined;
  readonly entries: readonly GitConfigEntry[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly signing: Signing;
  readonly #host: ArbiterHost;
  #format: ObjectFormat;

  private constructor(
    options: ArbiterOptions,
    host: ArbiterHost,
    repository: Repository | undefined,
    entries: readonly GitConfigEntry[],
  ) {
    const { cwd, env = process.env } = options;
    this.#host = host;
    this.cwd = cwd;
    this.env = env;
    this.repository = repository;
    this.remoteAsNamed = remoteName(options, entries);
    this.entries = [...entries, ...legacyRemote(repository, this.remoteAsNamed)];
    this.remote = remoteOf(this.entries, this.remoteAsNamed, repository?.topLevel ?? cwd, env);
    this.agent = agentNamed(options.agent, env, entries, repository);
    this.signing = signingOf(options.signing ?? {}, entries);
    this.#format = lastValue(entries, 'extensions.objectformat') === 'sha256' ? 'sha256' : 'sha1';
  }

  /**
   * Finds the clone, reads its configuration (one process, or none) and settles on one arbiter.
   *
   * @throws LockError HOLDFAST_CONFIG_MISMATCH when there is no such remote, or it has several push URLs;
   *   HOLDFAST_PERMISSION when git does not trust the owner of the clone. TypeError for a name that no agent can have.
   */
  static async open(options: ArbiterOptions, host: ArbiterHost): Promise<Arbiter> {
    const { cwd, env = process.env } = options;
    const found = findRepository(cwd, env);
    const entries = await readConfig({ cwd, env, repository: found, clock: host.clock });
    const verdict = found === undefined ? 'elsewhere' : await verdictOn(found, entries, cwd, env);
    if (verdict === 'usable') return new Arbiter(options, host, found, entries);
    if (verdict === 'elsewhere') return new Arbiter(options, host, undefined, entries);
    // A URL does without the clone, as it does for git; its name is one of the clone's settings.
    if (!isUrl(remoteName(options, entries))) throw verdict;
    return new Arbiter(options, host, undefined, entries);
  }

  /** The arbiter's URL. May contain credentials: never print it. */
  get url(): string {
    return this.remote.pushUrl;
  }

  /** What ids are made with, as far as that is known. */
  get format(): ObjectFormat {
    return this.#format;
  }

  /** Runs `fn` with the store, alone among this clone's processes. `fn` runs again when the remote has the other kind of ids. */
  async use<T>(deadline: Deadline, fn: (store: ClaimStore) => Promise<T>): Promise<T> {
    try {
      return await this.#useOnce(deadline, fn);
    } catch (error) {
      if (!(error instanceof OtherFormat)) throw error;
      this.#format = this.#format === 'sha1' ? 'sha256' : 'sha1';
      return this.#useOnce(deadline, fn);
    }
  }

  /** Git with the way to the remote, for questions that need no lock: it writes nothing. */
  git(): Git {
    return this.#gitIn(this.#paths());
  }

  #gitIn(paths: StorePaths, onStart?: (pid: number) => void): Git {
    return new Git({
      store: paths.store,
      cwd: this.repository?.topLevel ?? this.cwd,
      env: this.env,
      settings: [...transportSettings(this.entries), ...this.remote.settings],
      clock: this.#host.clock,
      ...(onStart && { onStart }),
    });
  }

  #useOnce<T>(deadline: Deadline, fn: (store: ClaimStore) => Promise<T>): Promise<T> {
    const { timeline, exclusively } = this.#host;
    const paths = this.#paths();
    return withStore(paths, exclusively, timeline.bootId, deadline, (placeId) => {
      const { remote, entries, signing } = this;
      const git = this.#gitIn(paths, (pid) => noteStarted(paths, pid));
      return fn(new ClaimStore({ git, remote, paths, placeId, entries, signing, timeline, deadline }));
    });
  }

  #paths(): StorePaths {
    return storePaths(this.repository, this.url, this.#format, this.env);
  }
}

function remoteName(options: ArbiterOptions, entries: readonly GitConfigEntry[]): string {
  return options.remote ?? lastValue(entries, 'holdfast.remote') ?? DEFAULT_REMOTE;
}
