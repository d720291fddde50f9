// Which content the index has. One empty file says it by its NAME, and every change is one rename of that file:
//
//   INDEX/head.<store>.<commit>.<epoch>          the state
//   INDEX/<store>/commits/<commit>.json          what a commit added, and the commit before it
//   INDEX/<store>/parts/<commit>/...             the files that it wrote, never changed again
//
// `rename` succeeds for one of two writers, because the old name is there only once: it compares and writes in one step.
// A record that is replaced after a look at its token could not do that: a writer that is paused between the look and the
// replacement overwrites a later holder. No name recurs, since the epoch, a fencing token, never falls.
import { mkdir, readdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

import { JsonFile, writeFileDurable, syncDirectory } from 'holdfast/durable';

import { removeLitter, renameDurably } from './files.mjs';

const HEAD = /^head\.([rs]\d+)\.(c\d{8}-\d+)\.(\d+)$/;

const LISTINGS = 3;
const LISTING_PAUSE_MS = 100;

const headName = ({ store, commit, epoch }) => `head.${store}.${commit}.${epoch}`;

function parseHead(name) {
  const match = HEAD.exec(name);
  return match === null ? [] : [{ store: match[1], commit: match[2], epoch: BigInt(match[3]) }];
}

/** A listing may show both names of a head that is being renamed. */
function byAge(one, other) {
  if (one.epoch !== other.epoch) return one.epoch < other.epoch ? -1 : 1;
  return one.commit < other.commit ? -1 : 1;
}

function undefinedIfMissing(error) {
  if (error.code !== 'ENOENT') throw error;
}

/** One that was begun empty, or one that was restored: a hold may do both. */
export const storeName = (token, kind = 's') => `${kind}${token}`;
const commitName = (number, token) => `c${String(number).padStart(8, '0')}-${token}`;

/** @implements {import('holdfast/fencing').FencedStore<{ store?: string, commit?: string }>} */
export class CommitLog {
  constructor(index) {
    this.name = index;
  }

  /** Undefined where there is no index. */
  async readHead() {
    for (let listing = 1; ; listing++) {
      const names = await readdir(this.name).catch(undefinedIfMissing);
      if (names === undefined || names.length === 0) return undefined;
      const heads = names.flatMap(parseHead).toSorted(byAge);
      if (heads.length > 0) return heads.at(-1);
      // readdir(3) does not say what a listing shows of a name that changes meanwhile: perhaps neither.
      if (listing === LISTINGS)
        throw new Error(`"${this.name}" is no index: it has no head. Move it away first.`);
      await delay(LISTING_PAUSE_MS);
    }
  }

  /**
   * Moves the head under a fencing token. An empty change only claims the head: from then on no holder with a lower token
   * can commit, not even one that has passed every check and is one system call away from it.
   */
  async write(token, change) {
    for (;;) {
      const head = await this.readHead();
      if (head === undefined) return 'missing';
      if (head.epoch > token) return 'stale';
      const next = { ...head, ...change, epoch: token };
      if (headName(next) === headName(head) || (await this.#move(head, next))) return 'written';
      // Another holder moved it first: an earlier one that may still commit, or a later one that has shut us out.
    }
  }

  async #move(from, to) {
    try {
      await renameDurably(join(this.name, headName(from)), join(this.name, headName(to)));
      return true;
    } catch (error) {
      if (error.code !== 'ENOENT') throw error;
      // On NFS the reply to a rename that was carried out may be lost; sent again it finds the old name gone.
      const head = await this.readHead();
      return head !== undefined && headName(head) === headName(to);
    }
  }

  /** An index without documents, whole from its first moment. Under the lock. */
  async create(token, engine) {
    const prefix = `${basename(this.name)}.new-`;
    const parent = dirname(this.name);
    for (const name of await readdir(parent)) {
      if (name.startsWith(prefix)) await removeLitter(join(parent, name));
    }
    const folder = join(parent, `${prefix}${token}`);
    const store = storeName(token);
    await makeStore(join(folder, store));
    const record = recordAfter(undefined, token, { engine, documents: 0, positions: {}, files: [] });
    await writeRecord(join(folder, store), record);
    await writeFileDurable(join(folder, headName({ store, commit: record.commit, epoch: token })), '');
    await renameDurably(folder, this.name);
  }

  /** The commits that make up the content of `head`, the oldest first. */
  async readChain({ store, commit }) {
    const chain = [];
    for (let next = commit; next !== undefined; next = chain[0].previous) {
      chain.unshift(await new JsonFile(join(this.name, store, 'commits', `${next}.json`)).read());
    }
    return chain;
  }
}

export async function makeStore(path) {
  for (const name of ['commits', 'parts']) await mkdir(join(path, name), { recursive: true });
  await syncDirectory(path);
}

/** What the commit after `last` says. Positions show how much of each source is indexed. */
export function recordAfter(last, token, { engine, documents, positions, files }) {
  const number = last === undefined ? 0 : last.number + 1;
  return {
    commit: commitName(number, token),
    number,
    token: String(token),
    previous: last?.commit,
    engine,
    documents,
    positions,
    files,
  };
}

export function writeRecord(store, record) {
  return writeFileDurable(join(store, 'commits', `${record.commit}.json`), JSON.stringify(record));
}
