// Tantivy, through the prebuilt Linux x64 binary of @oxdev03/node-tantivy-binding (Node-API, MIT).
//
// Each commit is a whole Tantivy index in a folder of its own. Tantivy never changes a segment file and replaces the two
// JSON files beside them by rename, so a new index begins as hard links to the files of the one before: it costs names,
// not bytes, and nothing that happens in it reaches the old one. Tantivy's own lock files stay behind: they bind only
// one host, and a paused writer would keep the next one out for ever.
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { syncDirectory } from 'holdfast/durable';

const { Document, Index, Query, SchemaBuilder } = createRequire(import.meta.url)(
  '@oxdev03/node-tantivy-binding-linux-x64-gnu',
);

/** The least that one thread of Tantivy works with. */
const HEAP_BYTES = 15_000_000;

export const isContent = (name) => !name.startsWith('.tantivy-');

function schema() {
  return new SchemaBuilder()
    .addTextField('id', { stored: true, tokenizerName: 'raw' })
    .addTextField('text')
    .build();
}

export async function writePart(part, documents, previousPart, signal) {
  await mkdir(part);
  if (previousPart !== undefined) {
    for (const name of (await readdir(previousPart)).filter(isContent)) {
      await linkOrCopy(join(previousPart, name), join(part, name));
    }
  }
  const writer = new Index(schema(), part).writer(HEAP_BYTES, 1);
  for await (const { id, text } of documents) {
    signal?.throwIfAborted();
    const document = new Document();
    document.addText('id', id);
    document.addText('text', text);
    writer.addDocument(document);
  }
  // Both block this thread. The lease is renewed by another one.
  writer.commit();
  writer.waitMergingThreads();
  await syncDirectory(part);
}

async function linkOrCopy(from, to) {
  await link(from, to).catch(() => copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE));
}

/** The last one has everything. */
export const liveParts = (chain) =>
  chain.slice(-1).flatMap(({ commit, files }) => (files.length > 0 ? [commit] : []));

export function open([part]) {
  if (part === undefined) return { search: async () => [], ids: async () => [] };
  const index = Index.open(part);
  const searcher = index.searcher();
  const idsOf = (query) => {
    const limit = Math.max(1, searcher.numDocs);
    return searcher
      .search(query, limit)
      .hits.map(({ docAddress }) => searcher.doc(docAddress).toDict().id[0]);
  };
  return {
    search: async (words) =>
      idsOf(index.parseQuery(words.map((word) => `+${JSON.stringify(word)}`).join(' '), ['text'])),
    ids: async () => idsOf(Query.allQuery()),
  };
}
