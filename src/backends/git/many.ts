import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

import { CLAIM_REF_PREFIX } from './claim-id.js';
import type { Deadline } from './config.js';
import { readGitFile, replaceText } from './files.js';
import type { ObjectId } from './objects.js';
import type { Fetched, Git, RawTip } from './plumbing.js';
import type { StorePaths } from './store.js';
import type { TipCache } from './tip-cache.js';

/** Beyond it, claims are listed first, and only what is new is fetched. */
export const MANY_TIPS = 2_000;
/** New tips that are fetched by name. */
const FEW_TIPS = 100;
/** Bytes of a clone's `packed-refs`, of more than 60 each, beyond which the remote is likely to have many claims. */
const LARGE_CLONE_BYTES = 60 * MANY_TIPS;

/** As we make them; others may have made any. ASCII, whose order as strings is that of their bytes. */
const IS_NAME = /^(?!.*\.\.)[a-z0-9_=-][a-z0-9_=.-]*$/;

/**
 * Whether to ask for the list before anything is fetched: this clone knows many claims already, or knows none and has many
 * branches. A wrong guess costs a round trip, or some seconds.
 */
export function expectsMany({ tips, home }: StorePaths, cache: TipCache): boolean {
  if (statSync(tips, { throwIfNoEntry: false }) !== undefined) return cache.size > MANY_TIPS;
  const packed = statSync(join(home, 'packed-refs'), { throwIfNoEntry: false });
  return packed !== undefined && packed.size > LARGE_CLONE_BYTES;
}

/**
 * The tips of a remote that has many: lists them, and fetches what this clone has not got. Git's own fetch would name ten
 * thousand commits to the server each time, and make a file for each new branch.
 */
export async function fetchMany(
  git: Git,
  { refPrefix }: StorePaths,
  cache: TipCache,
  deadline: Deadline,
): Promise<Fetched> {
  const listed = await git.listTips(deadline);
  if (listed.kind === 'failed') return listed;
  const tips = new Map(listed.tips);
  let missing = [...tips].filter(([, oid]) => cache.get(oid) === undefined);
  if (missing.length === 0) return { kind: 'fetched', tips };
  if (missing.length > FEW_TIPS) {
    const failed = await git.fetchObjects(refPrefix, deadline);
    if (failed !== undefined) return failed;
    const absent = await git.absentObjects(missing.map(([, oid]) => oid));
    missing = missing.filter(([, oid]) => absent.has(oid));
  }
  if (missing.length > 0) {
    // By name: what has moved since the list is answered as it is now.
    const names = missing.map(([ref]) => ref);
    const fetched = await git.fetchTips(names, refPrefix, 1, deadline);
    if (fetched.kind === 'failed') return fetched;
    for (const ref of names) {
      const oid = fetched.tips.get(ref);
      if (oid === undefined) tips.delete(ref);
      else tips.set(ref, oid);
    }
  }
  packRefs(git.store, refPrefix, tips);
  return { kind: 'fetched', tips };
}

/** What the tips say: of many only what the cache has not got is read from the objects. undefined when the store is damaged. */
export async function contentsOf(
  git: Git,
  cache: TipCache,
  oids: readonly ObjectId[],
): Promise<ReadonlyMap<ObjectId, RawTip> | undefined> {
  if (oids.length === 0) return new Map();
  if (oids.length <= MANY_TIPS) return git.readCommits(oids);
  const known = new Map<ObjectId, RawTip>();
  for (const oid of oids) {
    const tip = cache.get(oid);
    if (tip !== undefined) known.set(oid, tip);
  }
  const others = oids.filter((oid) => !known.has(oid));
  const read = others.length === 0 ? new Map<ObjectId, RawTip>() : await git.readCommits(others);
  if (read === undefined) return undefined;
  for (const [oid, tip] of read) known.set(oid, tip);
  if (read.size > 0 || known.size < cache.size) cache.replace(known);
  return known;
}

/**
 * Writes the fetched branches into `packed-refs` (gitformat: sorted lines of `oid ref`), as `git pack-refs` would, which
 * needs a file for each of them first. For the store's own lock holder; no git may run in it.
 */
export function packRefs(store: string, refPrefix: string, tips: ReadonlyMap<string, ObjectId>): void {
  const path = join(store, 'packed-refs');
  const others = (readGitFile(path) ?? '')
    .split('\n')
    .filter((line) => /^[0-9a-f]{40,64} /.test(line) && !line.includes(` ${refPrefix}`))
    .map((line): [string, string] => [line.slice(line.indexOf(' ') + 1), line]);
  const own = [...tips].flatMap(([ref, oid]): [string, string][] => {
    const name = ref.slice(CLAIM_REF_PREFIX.length);
    return IS_NAME.test(name) ? [[refPrefix + name, `${oid} ${refPrefix}${name}`]] : [];
  });
  const lines = [...others, ...own].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, line]) => line);
  replaceText(path, `# pack-refs with: peeled fully-peeled sorted \n${lines.join('\n')}\n`, false);
  rmSync(join(store, refPrefix), { recursive: true, force: true });
}
