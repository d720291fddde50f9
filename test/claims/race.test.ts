import { expect, test } from 'vitest';

import { cli } from '../support/cli.js';
import { clones, testRemote, TRANSPORTS, transportsFor } from '../support/git-remotes.js';
import { race, RACERS } from './racing.js';

test.each(TRANSPORTS)(
  'INV-GIT-1: ten clones race for one id over %s: one wins, nine name the winner',
  (transport) => race(transport, 2),
);

test.each(transportsFor('daemon'))(
  'ten commands at once over %s: one exits 0, nine exit 75',
  async (transport) => {
    const paths = await clones(await testRemote(transport), ...RACERS);
    const results = await Promise.all(paths.map((path) => cli(path, ['claim', 'x'])));
    const winner = RACERS[results.findIndex(({ code }) => code === 0)];
    const codes = results.map(({ code }) => code ?? -1).sort((a, b) => a - b);
    expect(codes).toEqual([0, ...Array<number>(9).fill(75)]);
    for (const { code, stderr } of results) {
      if (code === 75) expect(stderr).toContain(`is claimed by ${winner} `);
    }
  },
);
