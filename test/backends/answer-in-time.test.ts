import { describe, expect, test } from 'vitest';

import { acquire } from '../../src/locks/acquire.js';
import { threeEngines } from '../support/three-engines.js';

const engines = threeEngines();

describe.each(['redis', 'etcd', 'postgres'] as const)('a deadline before the first answer of %s', (name) => {
  const server = () => (name === 'etcd' ? engines.etcd.members[0] : engines[name])?.process();

  test.each([1, 100, 1_000])('is no contention but a server that is not there: %d ms', async (timeoutMs) => {
    // A late answer to the call before may be on its way: to another lock, over another session.
    const other = name === 'postgres' ? `?application_name=${timeoutMs}` : '';
    const address = `${engines[name].url}${other}#${timeoutMs}`;
    // A connection that is there makes no difference. (One to postgres has a process of its own, which is not paused.)
    if (name !== 'postgres') await (await acquire(address)).release();
    await server()?.pause();
    try {
      await expect(acquire(address, { timeoutMs })).rejects.toMatchObject({
        code: expect.stringMatching(/^HOLDFAST_(BACKEND_UNAVAILABLE|UNCONFIRMED)$/),
        resource: expect.stringContaining(engines[name].url.replace(/holder@/, '')),
      });
    } finally {
      server()?.resume();
    }
  });
});
