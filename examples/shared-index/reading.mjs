// Readers take no lock: what the head names never changes. It may only have been cleared away after two more commits.
import { join } from 'node:path';

import { CommitLog } from './commit-log.mjs';
import { engineNamed } from './engines.mjs';
import { hashFile } from './files.mjs';

/** How often a reader that was overtaken looks again. */
const ATTEMPTS = 5;

export async function read(index, use) {
  const log = new CommitLog(index);
  for (let attempt = 1; ; attempt++) {
    const head = await log.readHead();
    if (head === undefined) throw new Error(`There is no index at "${index}". Add documents to make one.`);
    try {
      const chain = await log.readChain(head);
      const engine = await engineNamed(chain.at(-1).engine);
      const store = join(index, head.store);
      const parts = engine.liveParts(chain);
      const content = engine.open(parts.map((commit) => join(store, 'parts', commit)));
      return await use({ head, chain, store, parts, content });
    } catch (error) {
      const now = await log.readHead();
      const isOvertaken = now?.commit !== head.commit || now?.store !== head.store;
      if (attempt === ATTEMPTS || !isOvertaken) throw error;
    }
  }
}

export const search = (index, words) => read(index, ({ content }) => content.search(words));

/** Every file is what its commit says, every document is there once, and numbers and fencing tokens only rise. */
export function check(index) {
  return read(index, async ({ head, chain, store, parts, content }) => {
    for (const { path, sizeBytes, sha256 } of liveFiles(chain, parts)) {
      const found = await hashFile(join(store, path));
      if (found.sha256 !== sha256) {
        throw new Error(
          `"${join(store, path)}" is damaged (${found.sizeBytes} of ${sizeBytes} bytes). Restore a backup.`,
        );
      }
    }
    const ids = await content.ids();
    const last = chain.at(-1);
    const tokens = [...chain.map(({ token }) => BigInt(token)), head.epoch];
    if (tokens.some((token, at) => at > 0 && token < tokens[at - 1])) {
      throw new Error(`The fencing tokens of "${index}" are out of order: ${tokens.join(' ')}`);
    }
    if (ids.length !== last.documents || new Set(ids).size !== ids.length) {
      throw new Error(
        `"${index}" holds ${ids.length} documents (${new Set(ids).size} different ones); its last commit says ${last.documents}.`,
      );
    }
    return {
      documents: ids.length,
      commits: last.number,
      holders: new Set(tokens).size,
      engine: last.engine,
    };
  });
}

export const liveFiles = (chain, parts) =>
  chain.flatMap(({ commit, files }) => (parts.includes(commit) ? files : []));
