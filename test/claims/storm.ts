import { expect } from 'vitest';

import { startClaimer } from '../support/claimers.js';
import { clones, testRemote } from '../support/git-remotes.js';

/**
 * `count` agents, each a process in a clone of its own, claim one id over HTTP at once, again and again: exactly one gets it, and the
 * others learn which.
 */
export async function storm(count: number, rounds: number): Promise<void> {
  const remote = await testRemote('http');
  const names = Array.from({ length: count }, (_, index) => `agent-${index}`);
  const claimers = (await clones(remote, ...names)).map((clone) => startClaimer(clone));
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all(claimers.map((claimer) => claimer.claim(`storm-${round}`)));
    const winners = answers.flatMap(({ outcome }, index) => (outcome === 'claimed' ? [names[index]] : []));
    expect(winners, JSON.stringify(answers)).toHaveLength(1);
    for (const { outcome, winner } of answers) {
      expect(['claimed', 'contended']).toContain(outcome);
      expect(winner).toBe(winners[0]);
    }
  }
}
