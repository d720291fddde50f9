// argv: who, directory, records. Prints microseconds per record; the file is written at the first round.
import { closeSync, createReadStream, existsSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [, , who, directory, records] = process.argv;
const path = join(directory, `read-${records}.jsonl`);
if (!existsSync(path)) {
  const file = openSync(path, 'w');
  for (let i = 0; i < Number(records); i += 10_000) {
    const ids = Array.from({ length: Math.min(10_000, Number(records) - i) }, (_, k) => i + k);
    writeSync(file, ids.map((id) => `{"i":${id},"s":"${'x'.repeat(60)}"}\n`).join(''));
  }
  closeSync(file);
}
const { JsonLines } = await import('../../dist/durable/index.js');
const lines = new JsonLines(path);
const readers = {
  async holdfast() {
    let count = 0;
    for await (const { i } of lines.read()) if (i >= 0) count++;
    return count;
  },
  async 'holdfast, batches'() {
    let count = 0;
    for await (const batch of lines.readBatches()) for (const { i } of batch) if (i >= 0) count++;
    return count;
  },
  async split2() {
    const { default: split2 } = await import('split2');
    return countOf(createReadStream(path).pipe(split2(JSON.parse)));
  },
  async ndjson() {
    const { default: ndjson } = await import('ndjson');
    return countOf(createReadStream(path).pipe(ndjson.parse()));
  },
  async 'readline and JSON.parse'() {
    let count = 0;
    for await (const line of createInterface({ input: createReadStream(path) }))
      if (JSON.parse(line).i >= 0) count++;
    return count;
  },
};
async function countOf(records) {
  let count = 0;
  for await (const { i } of records) if (i >= 0) count++;
  return count;
}

const begin = process.hrtime.bigint();
if ((await readers[who]()) !== Number(records)) throw new Error('records are missing');
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / Number(records));
