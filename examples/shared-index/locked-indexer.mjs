// Several processes on several hosts put documents into one index, a batch at a time, under one lease.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

import { createLock, withLock } from 'holdfast';
import { JsonLines, syncDirectory } from 'holdfast/durable';
import { fencedUpdate } from 'holdfast/fencing';

import { CommitLog, recordAfter, writeRecord } from './commit-log.mjs';
import { engineNamed } from './engines.mjs';
import { hashFile, removeLitter } from './files.mjs';

/** The lock is beside the index, not in it: it stays what it is when the index is restored, moved away or deleted. */
export function lockOf(index, options = {}) {
  return createLock(`lease:${index}.lock`, options);
}

export class LockedIndexer {
  #index;
  #engine;
  #lock;

  /** @param engine of an index that does not exist yet. `lockOptions`: see createLock. */
  constructor(index, { engine = 'jsonl', lockOptions = {} } = {}) {
    this.#index = index;
    this.#engine = engine;
    this.#lock = lockOf(index, lockOptions);
  }

  /**
   * Indexes up to `batchSize` documents of a JSON Lines file that were not indexed before, as one commit, and says what
   * was committed; undefined when there is nothing new. How far the index has read its sources is part of the same
   * commit, so that no crash makes it forget a document or take one twice.
   *
   * @throws LockError HOLDFAST_LOST when the commit was refused or the lease was lost: start over.
   */
  indexNext(source, { name, batchSize = 100, signal, paced = (documents) => documents }) {
    return withLock(this.#lock, { signal, reason: `indexing ${name}` }, async (guard) => {
      const log = new CommitLog(this.#index);
      const { store, chain } = await openForWriting(log, guard, this.#engine);
      const last = chain.at(-1);
      const position = last.positions[name] ?? 0;
      const documents = await take(source, position, batchSize);
      if (documents.length === 0) return undefined;

      const record = recordAfter(last, guard.fencingToken, {
        engine: last.engine,
        documents: last.documents + documents.length,
        positions: { ...last.positions, [name]: position + documents.length },
      });
      const engine = await engineNamed(last.engine);
      const part = (commit) => join(store, 'parts', commit);
      const previousPart = engine.liveParts(chain).map(part).at(-1);
      await engine.writePart(part(record.commit), paced(documents), previousPart, signal);
      record.files = await describeFiles(store, record.commit, last, engine);
      await syncDirectory(join(store, 'parts'));
      // The last moment to roll back; nothing reads what has no record, and the next holder clears it away.
      signal?.throwIfAborted();
      await writeRecord(store, record);
      await fencedUpdate(guard, log, { commit: record.commit });
      return { number: record.number, documents: documents.length };
    });
  }
}

/** Claims the head, so that no earlier holder can commit any more, and only then looks at what is there. */
export async function openForWriting(log, guard, engine) {
  if ((await log.readHead()) === undefined) {
    // Known to exist before an index says that it is made of it.
    await engineNamed(engine);
    await log.create(guard.fencingToken, engine);
  }
  await fencedUpdate(guard, log, {});
  const head = await log.readHead();
  const chain = await log.readChain(head);
  const store = join(log.name, head.store);
  await sweep(log.name, store, chain);
  return { store, chain };
}

/**
 * Removes what dead writers left. Only after the claim: before it, an earlier holder may still be about to commit the
 * very files that look like litter. A search that has just read the head still needs the commit before the last.
 */
async function sweep(index, store, chain) {
  const { liveParts } = await engineNamed(chain.at(-1).engine);
  const parts = new Set([...liveParts(chain), ...liveParts(chain.slice(0, -1))]);
  const commits = new Set(chain.map(({ commit }) => `${commit}.json`));
  const remove = async (folder, isLitter) => {
    for (const name of (await readdir(folder)).filter(isLitter)) {
      await removeLitter(join(folder, name));
    }
  };
  await remove(join(store, 'parts'), (name) => !parts.has(name));
  await remove(join(store, 'commits'), (name) => name.endsWith('.json') && !commits.has(name));
  await remove(index, (name) => name.endsWith('.restoring'));
}

async function take(source, position, count) {
  const documents = [];
  let index = 0;
  for await (const document of new JsonLines(source).read()) {
    if (index++ < position) continue;
    documents.push({ id: String(document.id), text: String(document.text) });
    if (documents.length === count) break;
  }
  return documents;
}

/** Files that are the same inode as in the commit before were hashed then. */
async function describeFiles(store, commit, last, { isContent = () => true }) {
  const known = new Map(last.files.map((file) => [file.path.split('/').at(-1), file]));
  const files = [];
  for (const name of (await readdir(join(store, 'parts', commit))).filter(isContent).toSorted()) {
    const path = `parts/${commit}/${name}`;
    const before = known.get(name);
    const isSame = before !== undefined && (await isOneFile(join(store, before.path), join(store, path)));
    const { sizeBytes, sha256 } = isSame ? before : await hashFile(join(store, path));
    files.push({ path, sizeBytes, sha256 });
  }
  return files;
}

async function isOneFile(left, right) {
  const [one, other] = await Promise.all([left, right].map((path) => stat(path, { bigint: true })));
  return one.dev === other.dev && one.ino === other.ino;
}
