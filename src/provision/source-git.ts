import { rm } from 'node:fs/promises';

import { withoutCredentials } from '../core/credentials.js';
import { installError } from './errors.js';
import type { FetchContext } from './fetch-context.js';
import { runGit } from './git-command.js';
import type { GitSource } from './recipe.js';
import { retryTransient, type AttemptOutcome } from './retry.js';

const COMMIT_ID = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;

/**
 * Fetches the commit that `ref` names, with its submodules, into the directory `dir`, and returns its id. Each
 * attempt begins with nothing: a partial clone is never built upon.
 *
 * @throws LockError HOLDFAST_NETWORK.
 */
export async function cloneSource(
  source: GitSource,
  ref: string | undefined,
  dir: string,
  context: FetchContext,
): Promise<string> {
  context.reporter.stage('clone');
  const display = withoutCredentials(source.git);
  await retryTransient(`git clone of "${display}"`, context, async () => {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    return cloneOnce(source, ref, dir, context);
  });
  if (source.submodules !== false) {
    context.reporter.stage('submodules');
    const args = ['submodule', 'update', '--init', '--recursive', ...depth(source)];
    await retryTransient(`fetching the submodules of "${display}"`, context, () =>
      runGit(args, source, context, dir),
    );
  }
  const commit = await retryTransient('git rev-parse', context, () =>
    runGit(['rev-parse', 'HEAD'], source, context, dir),
  );
  return commit.trim();
}

async function cloneOnce(
  source: GitSource,
  ref: string | undefined,
  dir: string,
  context: FetchContext,
): Promise<AttemptOutcome<string>> {
  const isName = ref === undefined || !(COMMIT_ID.test(ref) || ref.startsWith('refs/'));
  const which = !isName ? ['--no-checkout'] : ref === undefined ? [] : ['--branch', ref];
  // clone.defaultRemoteName would give it another name.
  const origin = ['--origin', 'origin'];
  const clone = await runGit(
    ['clone', ...origin, ...depth(source), ...which, '--', source.git, dir],
    source,
    context,
  );
  if (isName || clone.kind !== 'done') return clone;
  // `clone --branch` takes branches and tags only.
  const fetched = await runGit(['fetch', ...depth(source), 'origin', ref], source, context, dir);
  if (fetched.kind !== 'done') return fetched;
  return runGit(['checkout', '--detach', 'FETCH_HEAD'], source, context, dir);
}

function depth(source: GitSource): string[] {
  return source.shallow === false ? [] : ['--depth', '1'];
}

/**
 * The commit that `ref` names at the remote right now.
 *
 * @throws LockError HOLDFAST_NETWORK, also when the remote has no such ref.
 */
export async function remoteCommit(
  source: GitSource,
  ref: string | undefined,
  context: FetchContext,
): Promise<string> {
  if (ref !== undefined && COMMIT_ID.test(ref)) return ref;
  const display = withoutCredentials(source.git);
  const listing = await retryTransient(`asking "${display}" for updates`, context, () =>
    runGit(['ls-remote', '--', source.git, ref ?? 'HEAD', `${ref ?? 'HEAD'}^{}`], source, context),
  );
  const commits = new Map<string, string>();
  for (const line of listing.split('\n')) {
    const [commit, name] = line.split('\t');
    if (commit !== undefined && name !== undefined) commits.set(name, commit);
  }
  // A pattern also matches the ends of other names; and as with `clone --branch`, branches come first.
  const names =
    ref === undefined ? ['HEAD'] : [`refs/heads/${ref}`, `refs/tags/${ref}^{}`, `refs/tags/${ref}`, ref];
  for (const name of names) {
    const commit = commits.get(name);
    if (commit !== undefined) return commit;
  }
  throw installError(
    'HOLDFAST_NETWORK',
    context.recipeName,
    `"${display}" has no branch or tag "${ref ?? 'HEAD'}"`,
    'Check --ref',
  );
}
