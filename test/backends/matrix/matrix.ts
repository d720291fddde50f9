import { describe, expect } from 'vitest';

import { together } from '../../support/finish.js';
import { etcdSituations } from './etcd.js';
import { play } from './play.js';
import { postgresSituations } from './postgres.js';
import { redisSituations } from './redis.js';

/** Each situation, or those that are quick, with a server of its own. */
export function matrix({ isWhole }: { readonly isWhole: boolean }): void {
  describe.concurrent.each([
    ['redis', redisSituations],
    ['etcd', etcdSituations],
    ['postgres', postgresSituations],
  ] as const)('a server of %s', (_engine, situations) => {
    for (const situation of situations.filter(({ isQuick }) => isWhole || isQuick === true)) {
      together(situation.name, async () => {
        await using server = await situation.start();
        const { isHeld, ...outcomes } = await play(situation, server);
        expect(outcomes).toEqual(situation.outcomes);
        // A break ends a hold that stood until then; any other loss came before.
        const { holder, breaker } = situation.outcomes;
        expect(isHeld).toBe(holder === 143 || breaker === 0);
      });
    }
  });
}
