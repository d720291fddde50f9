import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

import { enclosed } from './test/support/runner/enclosed-worker.js';
import { machineUnit } from './test/support/runner/machine.js';

const isSoak = process.env['HOLDFAST_SOAK'] === '1';
const isUnit = process.env['HOLDFAST_TIER'] === 'unit';
const SOAK = 'test/**/*.soak.test.ts';
// The package's tests are a run of their own, and have packages of others beside them.
const exclude = ['test/package/**', 'test/bare/**', ...(isSoak ? [] : [SOAK])];

/**
 * Here time goes into waiting for leases, servers, timeouts and other processes: a file uses a quarter of a core, and
 * its slowest tests run side by side. Three at a time keep two cores busy without crowding them.
 */
const WAITING = [
  'test/{backends,cache,claims,cli,conformance,mcp,renewal,net,process,terminal,web-locks}/**/*.test.ts',
  'test/examples/shared-index-*.test.ts',
  'test/processes/{engines,engines-paused,lease-identity,lease-stall,lease-takeover,run-killed,singleton,ticks}.test.ts',
  'test/provision/git-retry.test.ts',
];

/** Pure: no build, no root, no packages of the system, no other processes. */
const UNIT = [
  'test/core/*.test.ts',
  'test/backends/git/journal.test.ts',
  'test/cli/{parse,text}.test.ts',
  'test/files/rename.test.ts',
  'test/models/lease-search.test.ts',
  'test/platform/{lock-lines,process-stat}.test.ts',
  'test/process/children.test.ts',
  'test/renewal/ring.test.ts',
  'test/verify/*.test.ts',
];

/** First of all, so that the others fill up what they leave. Without a run before, vitest knows sizes only. */
const LONGEST = [
  'claims/hostile',
  'claims/kill',
  'claims/settle',
  'cli/engines',
  'conformance/etcd',
  'conformance/git',
  'conformance/lease',
  'conformance/redis',
  'lab/hostile-fuse',
  'models/lease-search',
  'models/lease-spin',
  'processes/engines',
  'processes/lease-stall',
  'processes/lease-takeover',
  'provision/git-retry',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      LONGEST.some((name) => moduleId.endsWith(`/${name}.test.ts`)) ? 0 : 1;
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    pool: enclosed,
    setupFiles: ['test/support/runner/set-up.ts'],
    expect: { poll: { timeout: 60_000 * machineUnit() } },
    retry: 0,
    // Tests run src where they are pure, and what is built from it where they are not.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts', 'dist/**/*.js'],
      reporter: ['text-summary', 'html'],
    },
    projects: isUnit
      ? [{ extends: true, test: { name: 'unit', include: UNIT, exclude, pool: 'threads', maxWorkers: 2 } }]
      : isSoak
        ? [{ extends: true, test: { name: 'soak', include: [SOAK], exclude, maxWorkers: 2 } }]
        : [
            {
              extends: true,
              test: {
                name: 'waiting',
                include: WAITING,
                exclude,
                maxWorkers: 3,
                sequence: { groupOrder: 0 },
              },
            },
            {
              extends: true,
              test: {
                name: 'working',
                include: ['test/**/*.test.ts'],
                exclude: [...exclude, ...WAITING],
                maxWorkers: 2,
                sequence: { groupOrder: 1 },
              },
            },
          ],
  },
});
