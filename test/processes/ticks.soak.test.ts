import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { threeEngines } from '../support/three-engines.js';
import { runTicks } from './ticks.js';

const engines = threeEngines();

test.each(['flock', 'lease', 'redis', 'etcd'])('%s: 50 processes, 10 000 ticks, each once', async (name) => {
  const addresses: Readonly<Record<string, string>> = {
    flock: join(testDirectory(), 'job.lock'),
    lease: `lease:${join(testDirectory(), 'job')}`,
    redis: `${engines.redis.url}#job`,
    etcd: `${engines.etcd.url}#job`,
  };
  const size = { processes: 50, count: name === 'lease' ? 1_000 : 10_000 };

  const { runs, skipped, calls } = await runTicks(addresses[name] ?? '', testDirectory(), size);

  expect(runs.filter((count) => count !== 1)).toEqual([]);
  expect(skipped).toBe(calls - size.count);
});
