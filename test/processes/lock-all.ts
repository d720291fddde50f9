import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { lockAll } from '../../dist/index.js';
import { overlapsOf, type HoldInterval } from '../../dist/testing/index.js';
import { run, temporaryDirectory } from './observe.js';

const driver = fileURLToPath(new URL('lock-all-driver.mjs', import.meta.url));

interface Report {
  readonly tally: { taken: number; gaveUp: number };
  readonly intervals: readonly (HoldInterval & { readonly resource: string })[];
}

/** Eight processes take several of six locks each, in random orders; some give up half way. */
export async function takeInRandomOrders(seconds: number): Promise<void> {
  const folder = temporaryDirectory();
  const takers = Array.from({ length: 8 }, (_, seed) =>
    run(process.execPath, [driver, folder, String(seconds), String(seed + 1)]),
  );
  const reports = await Promise.all(takers.map(async ({ line }) => JSON.parse(await line()) as Report));
  expect(await Promise.all(takers.map(({ ended }) => ended))).toEqual(Array.from({ length: 8 }, () => 0));
  const taken = reports.reduce((sum, { tally }) => sum + tally.taken, 0);
  const gaveUp = reports.reduce((sum, { tally }) => sum + tally.gaveUp, 0);
  const intervals = reports.flatMap((report) => report.intervals);
  const resources = [...new Set(intervals.map(({ resource }) => resource))];
  expect(resources).toHaveLength(6);
  for (const resource of resources) {
    expect(overlapsOf(intervals.filter((interval) => interval.resource === resource))).toEqual([]);
  }
  console.log(
    `lockAll from 8 processes in random orders, ${seconds} s: ${taken} taken, ${gaveUp} given up, 0 overlaps`,
  );
  expect(taken).toBeGreaterThan(seconds * 20);
  expect(gaveUp).toBeGreaterThan(seconds);
  const all = readdirSync(folder).filter((name) => name.endsWith('.lock'));
  await (
    await lockAll(
      all.map((name) => join(folder, name)),
      { timeoutMs: 0 },
    )
  ).release();
}
