// argv: who, directory, records. Prints microseconds per record when so many are appended by one call.
import { closeSync, fsyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

import { JsonLines } from '../../dist/durable/index.js';

const [, , who, directory, count] = process.argv;
const path = join(directory, `all-${who.replaceAll(/\W+/g, '-')}`);
const records = Array.from({ length: Number(count) }, (_, i) => ({ i, s: 'x'.repeat(100) }));
const contestants = {
  holdfast() {
    const lines = new JsonLines(path);
    return () => lines.appendAll(records);
  },
  'one write': () => () => {
    const file = openSync(path, 'a');
    writeSync(file, records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    fsyncSync(file);
    closeSync(file);
  },
  'better-sqlite3, WAL'() {
    const Database = createRequire(import.meta.url)('better-sqlite3');
    const database = new Database(path);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec('CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, text TEXT)');
    const insert = database.prepare('INSERT INTO log (text) VALUES (?)');
    return database.transaction(() => {
      for (const record of records) insert.run(JSON.stringify(record));
    });
  },
};
const appendAll = contestants[who]();
await appendAll();
const begin = process.hrtime.bigint();
await appendAll();
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / records.length);
for (const suffix of ['', '-wal', '-shm']) rmSync(path + suffix, { force: true });
