// Replaces or reads one file again and again: node replaced.mjs ROLE PATH JSON. Says how that went at the end.
import { readFile } from 'node:fs/promises';

import { SharedCache } from '../../dist/cache/index.js';
import { JsonFile, JsonLines } from '../../dist/durable/index.js';

const [, , role, path, json = '{}'] = process.argv;
const { forMs = 5_000, times = Infinity, lock, padding = 100 } = JSON.parse(json);
const common = lock === undefined ? {} : { lock };
const next = (value) => ({ n: (value?.n ?? 0) + 1, padding: 'x'.repeat(padding) });
const file = new JsonFile(path, { defaultValue: { n: 0 }, ...common });
const cache = new SharedCache(path, { ttlMs: Infinity, fetch: ({ previous }) => next(previous), ...common });
const lines = new JsonLines(path, { rotation: { maxSizeBytes: 8_000, keep: 20 }, ...common });

const ROLES = {
  update: async () => (await file.update(next)).n,
  read: async () => (await file.read()).n,
  refresh: async () => (await cache.refresh()).value.n,
  get: async () => (await cache.get()).value.n,
  append: () => lines.append(next()),
  lines: async () => {
    let count = 0;
    for await (const _ of lines.read({ includesRotated: true })) count++;
    // So many were there at the beginning, and nothing is ever rotated away.
    if (count < 20) throw new Error(`only ${count} records`);
    return count;
  },
  // Without us.
  plain: async () => (await readFile(path)).length,
};

const failures = {};
let [done, failed, last] = [0, 0, undefined];
for (const until = performance.now() + forMs; performance.now() < until && done < times;) {
  try {
    last = await ROLES[role]();
    done++;
  } catch (error) {
    const why = error.cause === undefined ? error.message : `${error.message} ${error.cause.message}`;
    failures[why] = (failures[why] ?? 0) + 1;
    failed++;
  }
}
process.stdout.write(`done ${JSON.stringify({ role, done, failed, last, failures })}\n`);
process.exit(0);
