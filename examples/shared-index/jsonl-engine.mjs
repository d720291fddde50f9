// An append-only index that runs everywhere: each commit adds one JSON Lines file, and a search reads them all.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { JsonLines, writeFileDurable } from 'holdfast/durable';

const FILE = 'documents.jsonl';

export async function writePart(part, documents, _previousPart, signal) {
  await mkdir(part);
  let text = '';
  for await (const document of documents) {
    signal?.throwIfAborted();
    text += `${JSON.stringify(document)}\n`;
  }
  await writeFileDurable(join(part, FILE), text);
}

export const liveParts = (chain) => chain.filter(({ files }) => files.length > 0).map(({ commit }) => commit);

export function open(parts) {
  const found = async (isWanted) => {
    const ids = [];
    for (const part of parts) {
      for await (const document of new JsonLines(join(part, FILE)).read({ onInvalid: refuse(part) })) {
        if (isWanted(document.text.toLowerCase().split(/\W+/))) ids.push(document.id);
      }
    }
    return ids;
  };
  return {
    search: (words) => found((text) => words.every((word) => text.includes(word.toLowerCase()))),
    ids: () => found(() => true),
  };
}

function refuse(part) {
  return ({ lineNumber, fact }) => {
    throw new Error(`"${part}" is damaged at line ${lineNumber}: ${fact}. Restore a backup.`);
  };
}
