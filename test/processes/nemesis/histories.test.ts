import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { expect, test } from 'vitest';

import { parseHistory } from './history.js';
import { judge } from './judge.js';

const directory = fileURLToPath(new URL('histories/', import.meta.url));
const files = readdirSync(directory).filter((name) => name.endsWith('.gz'));

/** The figures of docs/reference/storm.md, from what was recorded: two locks per run. */
test.each([
  ['redis', 2_638, 0],
  ['redis-in-memory', 3_627, 32],
  ['postgres', 4_010, 0],
  ['etcd', 2_922, 0],
  ['etcd-leader-paused', 3_971, 0],
])('the history of %s: %d holds, %d overlaps, no older token accepted', (name, holds, overlaps) => {
  const own = files.filter((file) => file.replace(/-[ab]\.jsonl\.gz$/, '') === name);
  expect(own).toHaveLength(2);
  const verdicts = own.map((file) =>
    judge(parseHistory(gunzipSync(readFileSync(directory + file)).toString())),
  );
  const sum = (of: (verdict: (typeof verdicts)[number]) => number): number =>
    verdicts.map(of).reduce((a, b) => a + b, 0);
  expect(sum((verdict) => verdict.holds)).toBe(holds);
  expect(sum((verdict) => verdict.overlaps.length)).toBe(overlaps);
  expect(sum((verdict) => verdict.tokenReversals)).toBe(0);
  expect(sum((verdict) => verdict.olderAccepted)).toBe(0);
  expect(verdicts.flatMap((verdict) => verdict.unhandled)).toEqual([]);
});
