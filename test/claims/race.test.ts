import { describe, expect, test } from 'vitest';

import { startClaimer } from '../support/claimers.js';
import { cli } from '../support/cli.js';
import { clones, testRemote, TRANSPORTS } from '../support/git-remotes.js';

const ROUNDS = process.env['HOLDFAST_SOAK'] === '1' ? 50 : 5;
const NAMES = Array.from({ length: 10 }, (_, index) => `agent-${index}`);
const TIMEOUT_MS = 60_000 + ROUNDS * 20_000;

describe.each(TRANSPORTS)('over %s', (transport) => {
  test(
    `INV-GIT-1: ten clones race for one id, ${ROUNDS} rounds: one wins, nine name the winner`,
    { timeout: TIMEOUT_MS },
    async () => {
      const remote = await testRemote(transport);
      const claimers = (await clones(remote, ...NAMES)).map(startClaimer);
      for (let round = 0; round < ROUNDS; round++) {
        const answers = await Promise.all(claimers.map((claimer) => claimer.claim(`race-${round}`)));
        const winner = NAMES[answers.findIndex(({ outcome }) => outcome === 'claimed')];
        expect(answers.map(({ outcome }) => outcome).sort(), JSON.stringify(answers)).toEqual([
          'claimed',
          ...Array<string>(9).fill('contended'),
        ]);
        expect(answers.map((answer) => answer.winner)).toEqual(Array(10).fill(winner));
      }
    },
  );
});

test('ten commands at once: one exits 0, nine exit 75', { timeout: 60_000 }, async () => {
  const paths = await clones(await testRemote(), ...NAMES);
  const results = await Promise.all(paths.map((path) => cli(path, ['claim', 'x'])));
  const winner = NAMES[results.findIndex(({ code }) => code === 0)];
  expect(results.map(({ code }) => code ?? -1).sort((a, b) => a - b)).toEqual([
    0,
    ...Array<number>(9).fill(75),
  ]);
  for (const { code, stderr } of results)
    if (code === 75) expect(stderr).toContain(`is claimed by ${winner} `);
});
