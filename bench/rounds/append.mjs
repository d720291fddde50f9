// argv: who, directory, appends, callers at once. Prints microseconds per append, all callers together.
import { open } from 'node:fs/promises';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , who, parent, appends, callers] = process.argv;
const directory = join(parent, `${who.replaceAll(' ', '-')}-${callers}`);
mkdirSync(directory, { recursive: true });
const path = join(directory, 'log.jsonl');
const record = { i: 0, s: 'x'.repeat(100) };

async function appender() {
  if (who === 'open, write, sync and close of node:fs/promises') {
    return async () => {
      const file = await open(path, 'a');
      await file.write(`${JSON.stringify(record)}\n`);
      await file.sync();
      await file.close();
    };
  }
  if (who === 'better-sqlite3, WAL') {
    const Database = createRequire(import.meta.url)('better-sqlite3');
    const database = new Database(join(directory, 'log.db'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec('CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, text TEXT)');
    const insert = database.prepare('INSERT INTO log (text) VALUES (?)');
    return () => insert.run(JSON.stringify(record));
  }
  const { JsonLines } = await import('../../dist/durable/index.js');
  const lines = new JsonLines(path);
  return () => lines.append(record);
}

const append = await appender();
async function run(count) {
  let begun = 0;
  const caller = async () => {
    while (begun++ < count) await append();
  };
  await Promise.all(Array.from({ length: Number(callers) }, caller));
}
await run(Number(appends) / 10);
const begin = process.hrtime.bigint();
await run(Number(appends));
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / Number(appends));
