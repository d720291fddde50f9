import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { threeEngines } from '../support/three-engines.js';
import { killInstances } from './singleton.js';

const engines = threeEngines();

test('none of 1000 killed instances is returned', async () => {
  expect(await killInstances(join(testDirectory(), 'dev.lock'), 1_000)).toEqual({ stale: [], rounds: 1_000 });
});

test('of 200 killed holders of a lease neither', async () => {
  const address = `lease:${join(testDirectory(), 'dev')}`;
  expect(await killInstances(address, 200)).toEqual({ stale: [], rounds: 200 });
});

test.each(['redis', 'etcd', 'postgres'] as const)('of 100 over %s neither', async (name) => {
  const found = await killInstances(`${engines[name].url}#dev`, 100, 1_000);
  expect(found).toEqual({ stale: [], rounds: 100 });
});
