import { expect, test } from 'vitest';

import { acquire } from '../../../src/locks/acquire.js';
import { inspect } from '../../../src/locks/inspect.js';
import { etcdCall, startEtcd } from '../../support/engines.js';
import { until } from '../../support/ports.js';
import { machineUnit } from '../../support/time.js';

const LEASE = { leaseDurationMs: 60_000 * machineUnit, timeoutMs: 60_000 * machineUnit } as const;

test('with a full database (NOSPACE) a hold is released and passes on; a new one is refused', async () => {
  await using cluster = await startEtcd();
  const at = (program: string): string => `${cluster.url}/${program}#full`;
  const holder = await acquire(at('holder'), LEASE);
  const waiting = acquire(at('waiter'), LEASE);
  await until('it waits', async () => (await inspect(at('eye'))).waiters.length === 1);
  const { header } = await etcdCall(cluster.url, '/v3/maintenance/status', {});
  const memberID = (header as { member_id: string }).member_id;
  await etcdCall(cluster.url, '/v3/maintenance/alarm', { action: 'ACTIVATE', memberID, alarm: 'NOSPACE' });

  await holder.release();
  const next = await waiting;
  next.assertHeld();
  await expect(acquire(`${cluster.url}/other#another`, LEASE)).rejects.toMatchObject({
    code: 'HOLDFAST_IO',
    message: expect.stringContaining('database of the cluster is full') as string,
  });
  await next.release();
});
