import { join } from 'node:path';
import { expect } from 'vitest';

import { startClaimer } from '../support/claimers.js';
import { clones, testRemote, type Transport } from '../support/git-remotes.js';
import { roundTripsIn, takeGitProcesses } from '../support/git-trace.js';

export const RACERS = Array.from({ length: 10 }, (_, index) => `agent-${index}`);

/** Ten processes, each in a clone of its own, claim one id at once, again and again. */
export async function race(transport: Transport, rounds: number): Promise<void> {
  const remote = await testRemote(transport);
  const traces = RACERS.map((name) => join(remote.directory, `trace-${name}`));
  const claimers = (await clones(remote, ...RACERS)).map((clone, index) =>
    startClaimer(clone, { GIT_TRACE2_EVENT: traces[index] }),
  );
  for (let round = 0; round < rounds; round++) {
    const answers = await Promise.all(claimers.map((claimer) => claimer.claim(`race-${round}`)));
    const winner = RACERS[answers.findIndex(({ outcome }) => outcome === 'claimed')];
    const outcomes = answers.map(({ outcome }) => outcome).sort();
    expect(outcomes, JSON.stringify(answers)).toEqual(['claimed', ...Array<string>(9).fill('contended')]);
    expect(answers.map((answer) => answer.winner)).toEqual(Array(10).fill(winner));
    for (const [index, { outcome }] of answers.entries()) {
      const processes = takeGitProcesses(traces[index] as string);
      expect(processes.length).toBeLessThanOrEqual(6);
      const trips = outcome === 'claimed' ? ['push'] : ['push', 'fetch'];
      expect(roundTripsIn(processes), `INV-GIT-8: ${outcome}`).toEqual(trips);
    }
  }
}
