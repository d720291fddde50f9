// argv: who, directory, kilobytes, updates. Prints microseconds per update of a JSON file of that size.
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [, , who, parent, kilobytes, updates] = process.argv;
const require = createRequire(import.meta.url);
const directory = join(parent, `${who.replaceAll(/\W+/g, '-')}-${kilobytes}`);
mkdirSync(directory, { recursive: true });
const path = join(directory, 'state.json');
// About 100 bytes each, as `JSON.stringify(value, null, 2)` writes them.
const rows = Array.from({ length: Number(kilobytes) * 9 }, (_, i) => ({ i, s: 'x'.repeat(60) }));
const first = { n: 0, rows };
const next = (value) => ({ ...value, n: value.n + 1 });

/** What JsonFile does, as calls of node:fs that block: no other process is kept out. */
function plainUpdate() {
  const text = `${JSON.stringify(next(JSON.parse(readFileSync(path, 'utf8'))), null, 2)}\n`;
  const file = openSync(`${path}.tmp`, 'w');
  writeSync(file, text);
  fsyncSync(file);
  closeSync(file);
  renameSync(`${path}.tmp`, path);
  const folder = openSync(directory, 'r');
  fsyncSync(folder);
  closeSync(folder);
}

const contestants = {
  async holdfast() {
    const { JsonFile } = await import('../../dist/durable/index.js');
    const file = new JsonFile(path, { defaultValue: first });
    return () => file.update(next);
  },
  async 'parse, stringify and the same calls'() {
    const { JsonFile } = await import('../../dist/durable/index.js');
    await new JsonFile(path, { defaultValue: first }).update((value) => value);
    return plainUpdate;
  },
  'write-file-atomic'() {
    const write = require('write-file-atomic');
    let value = first;
    return async () => {
      value = next(value);
      await write(path, `${JSON.stringify(value, null, 2)}\n`);
    };
  },
  'better-sqlite3, WAL'() {
    const Database = require('better-sqlite3');
    const database = new Database(join(directory, 'state.db'));
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.exec('CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY, text TEXT)');
    database.prepare('INSERT OR REPLACE INTO state VALUES (1, ?)').run(JSON.stringify(first));
    const read = database.prepare('SELECT text FROM state');
    const write = database.prepare('UPDATE state SET text = ?');
    const update = database.transaction(() => write.run(JSON.stringify(next(JSON.parse(read.get().text)))));
    return () => update.immediate();
  },
};
const update = await contestants[who]();
for (let i = 0; i < Number(updates) / 5 + 2; i++) await update();
const begin = process.hrtime.bigint();
for (let i = 0; i < Number(updates); i++) await update();
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / Number(updates));
