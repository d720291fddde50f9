import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startParty, statesIn } from '../support/lease.js';
import { openTerminal } from '../support/terminal.js';

describe('break asks in a terminal', () => {
  test('and does nothing but for `yes`', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 });
    const { holderId } = await holder.held();
    const before = statesIn(path);
    const terminal = await openTerminal(directory, 160);
    const line = `$H break lease:lock --holder ${holderId}; echo "code=$?"`;
    const question = new RegExp(
      `End the hold ${holderId} of "lease:lock" by force\\?.*counts as lost.*Type yes:`,
      's',
    );
    /** The question of before must be gone: an answer to that would reach the shell. */
    const isAsked = async (): Promise<void> => {
      terminal.type('clear');
      await terminal.shows(/^\$$/);
      terminal.type(line);
      await terminal.shows(question);
    };
    const answers: (() => void)[] = [
      () => terminal.type('y'),
      () => terminal.type(''),
      () => terminal.press('C-d'),
    ];
    for (const answer of answers) {
      await isAsked();
      answer();
      expect(await terminal.shows(/code=64$/m)).toContain('nothing was changed');
    }
    expect(statesIn(path)).toEqual(before);
    await isAsked();
    terminal.press('C-c');
    await terminal.shows(/code=(64|130)$/m);
    expect(statesIn(path)).toEqual(before);
    await isAsked();
    terminal.type('yes');
    expect(await terminal.shows(/code=0$/m)).toContain(`ended the hold ${holderId}`);
    expect(statesIn(path)).toEqual([expect.stringMatching(/\.0000030000\.revoked$/)]);
  });
});
