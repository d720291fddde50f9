import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { start } from '../support/processes.js';

const driver = fileURLToPath(new URL('ticks-driver.mjs', import.meta.url));

export interface Ticks {
  /** How often each tick was run, in order. */
  readonly runs: readonly number[];
  /** Calls that reported a skip. */
  readonly skipped: number;
  readonly calls: number;
}

/** `processes` hosts with clocks that differ by up to 5 ticks, each of which comes to each of `count` ticks. */
export async function runTicks(
  address: string,
  directory: string,
  { processes, count, mutant = false }: { processes: number; count: number; mutant?: boolean },
): Promise<Ticks> {
  const first = 1_000;
  const journals = Array.from({ length: processes }, (_, index) => join(directory, `journal-${index}`));
  const hosts = journals.map((journal, index) => {
    writeFileSync(journal, '');
    const skew = String((index % 11) - 5);
    const args = [driver, address, String(first), String(count), skew, journal];
    return start(process.execPath, mutant ? [...args, 'mutant'] : args);
  });
  await Promise.all(hosts.map((host) => host.line(/^ready$/)));
  for (const host of hosts) host.process.stdin?.write('go\n');
  const ends = await Promise.all(hosts.map((host) => host.exited));
  const runs = Array.from({ length: count }, () => 0);
  for (const journal of journals)
    for (const line of readFileSync(journal, 'utf8').split('\n').slice(0, -1)) {
      const index = Number(line) - first;
      runs[index] = (runs[index] ?? 0) + 1;
    }
  const skipped = ends.reduce((sum, { stdout }) => sum + Number(/skipped (\d+)/.exec(stdout)?.[1]), 0);
  return { runs, skipped, calls: processes * count };
}
