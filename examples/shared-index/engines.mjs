// What an index is made of. An engine writes a batch into a folder of its own, which no reader sees before the head names it;
// so whatever a writer does after it lost the lock, it does to a folder that is never read.
//
//   writePart(part, documents, previousPart, signal)   files of a part; `documents` is an async iterable of { id, text }
//   liveParts(chain)                                   commits whose parts hold the content, the oldest first
//   open(parts)                                        { search(words): Promise<ids>, ids(): Promise<ids> }
export const ENGINES = ['jsonl', 'tantivy'];

export async function engineNamed(name) {
  if (name === 'jsonl') return import('./jsonl-engine.mjs');
  // Loaded only here: the rest of the example runs without the native package.
  if (name === 'tantivy') return import('./tantivy-engine.mjs');
  throw new Error(`There is no engine "${name}"; there are ${ENGINES.join(' and ')}.`);
}
