// argv: who, path, count. Prints microseconds per read.
import { readFileSync, statSync } from 'node:fs';

const [, , who, path, count] = process.argv;

async function reader() {
  if (who === 'statSync') return () => statSync(path);
  if (who === 'read and parse') return () => JSON.parse(readFileSync(path, 'utf8'));
  const { SharedCache } = await import('../../dist/cache/index.js');
  const cache = new SharedCache(path, {
    fetch: () =>
      Array.from({ length: 9_000 }, (_, id) => ({ id, name: `entry ${id}`, text: 'x'.repeat(80) })),
  });
  await cache.get();
  return () => cache.get();
}

const read = await reader();
const rounds = Number(count);
for (let i = 0; i < rounds / 10; i++) await read();
const begin = process.hrtime.bigint();
for (let i = 0; i < rounds; i++) await read();
console.log(Number(process.hrtime.bigint() - begin) / 1e3 / rounds);
