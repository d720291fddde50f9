import { describe, expect, test } from 'vitest';

import { machineUnit } from '../../support/time.js';
import { etcdSituations } from './etcd.js';
import { play } from './play.js';
import { postgresSituations } from './postgres.js';
import { redisSituations } from './redis.js';

describe.each([
  ['redis', redisSituations],
  ['etcd', etcdSituations],
  ['postgres', postgresSituations],
] as const)('a server of %s', (_engine, situations) => {
  test.each(situations)('$name', { timeout: 240_000 * machineUnit }, async (situation) => {
    await using server = await situation.start();
    const { isHeld, ...outcomes } = await play(situation, server);
    expect(outcomes).toEqual(situation.outcomes);
    // A break ends a hold that stood until then; any other loss came before.
    const { holder, breaker } = situation.outcomes;
    expect(isHeld).toBe(holder === 143 || breaker === 0);
  });
});
