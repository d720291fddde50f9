import { join } from 'node:path';
import { test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { testRemote } from '../support/git-remotes.js';
import type { ThreeEngines } from '../support/three-engines.js';
import { hangMs } from '../support/time.js';
import { troubleWrappers, type Trial } from './run-killed.js';

const isSoak = process.env['HOLDFAST_SOAK'] === '1';
const rounds = Number(process.env['HOLDFAST_ROUNDS'] ?? (isSoak ? 50 : 1));
/** As short as one may be, or a little longer: a hold that is lost on a busy machine is ended in time like any other. */
const leaseMs = isSoak ? 2_000 : 1_000;
const lease = ['--lease', `${leaseMs}ms`, '--grace', '0.2'];

function trial(words: readonly string[], more: Partial<Trial> = {}): Trial {
  return { words, rounds, leaseMs, ...more };
}

const pathOf = (): string => join(testDirectory(), 'x');

/** Locks without a server. */
export const LOCAL = {
  flock: () => trial([pathOf()]),
  'flock --close': () => trial(['--close', '--grace', '0.2', pathOf()]),
  permits: () => trial(['--permits', '2', pathOf()], { permits: 2 }),
  lease: () => trial([...lease, `lease:${pathOf()}`]),
  git: async () => trial(['--grace', '0.2', `git:${(await testRemote()).path}#x`], { staysHeld: true }),
};

export const OVER_ENGINES = ['redis', 'postgres', 'etcd'] as const;

export function overEngine(
  engines: ThreeEngines,
  engine: (typeof OVER_ENGINES)[number],
  name: string,
): Trial {
  return trial([...lease, `${engines[engine].url}#${name}`]);
}

/** No two commands work at the same time, whatever happens to their wrappers. */
export function testTroubles(title: string, trialAt: (name: string) => Trial | Promise<Trial>): void {
  test(
    `under ${title} commands exclude each other while wrappers are killed and stopped`,
    () => troubleWrappers(async (name) => trialAt(name)),
    (2 * rounds + 2) * hangMs,
  );
}
