import { expect, test } from 'vitest';

import { note } from '../../src/claims/index.js';
import { cli, eventsOf, startCli } from '../support/cli.js';
import { clones, git, optionsFor, testRemote } from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';

test('a hold that looks and need not renew yet goes on upon a note of its clone', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const words = ['run', '--lease', '60s', 'git:origin#x', '--', 'sh', '-c', 'echo on; exec sleep 600'];
  const run = startCli(ada, words);
  let out = '';
  run.process.stdout?.on('data', (chunk: string) => (out += chunk));
  await eventually('it runs', () => out.includes('on'));
  expect((await note('x', 'half way', optionsFor(ada))).outcome).toBe('noted');
  // A look each 10 s, a renewal after 20: it has looked at the note, and renews upon it.
  await eventually('it has renewed upon the note', async () => {
    expect(run.process.exitCode, 'the hold was given up').toBeNull();
    return (await eventsOf(bob, 'x')).at(-1) === 'renewed';
  });
  expect(await git(ada, 'for-each-ref')).toBe('');
  expect((await cli(ada, ['unclaim', 'x', '--force', '--reason', 'end'])).code).toBe(0);
  expect((await run.ended).code).toBe(76);
});
