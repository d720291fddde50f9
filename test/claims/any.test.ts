import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { claim, list, release } from '../../src/claims/index.js';
import { cli, cliJson, startCli } from '../support/cli.js';
import { clones, optionsFor, testRemote } from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';

interface Taken {
  readonly outcome: string;
  readonly items: { id: string; outcome: string }[];
}

test('--any: the first free one; what one has already; none is 75', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('a', optionsFor(ada));
  const taken = await cliJson<Taken>(bob, ['claim', '--any', 'a', 'b', 'c']);
  expect(taken).toMatchObject({ outcome: 'claimed', items: [{ id: 'b', outcome: 'claimed' }] });
  expect(await cli(bob, ['claim', '--any', 'a', 'b', 'c'])).toMatchObject({
    code: 0,
    stdout: 'already yours: b\n',
  });
  await claim('c', optionsFor(ada));
  await release('b', { ...optionsFor(bob), done: true });
  const none = await cli(bob, ['claim', '--any', 'a', 'b', 'c']);
  expect([none.code, none.stderr]).toEqual([75, 'contended: none of 3 is free, 1 are done\n']);
  // By its name it is claimed all the same.
  expect((await cli(bob, ['claim', 'b'])).code).toBe(0);
});

test('claims next: a list with comments, each item once, until all are done', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const file = join(ada, 'items');
  writeFileSync(file, '# the work\n#42\n\nissue-1  # the parser\n#done: issue-0\nsrc/x/\n');
  const done: string[] = [];
  for (const clone of [ada, bob, ada]) {
    const { items } = await cliJson<Taken>(clone, ['claims', 'next', '--from', file]);
    const id = items[0]?.id ?? '';
    done.push(id);
    expect((await cli(clone, ['unclaim', '--done', id])).code).toBe(0);
  }
  expect(done).toEqual(['#42', 'issue-1', 'src/x/']);
  const end = await cli(bob, ['claims', 'next', '--from', '-'], { input: '#42\nissue-1\n' });
  expect([end.code, end.stderr]).toEqual([75, 'done: all of 2\n']);
  expect((await cli(bob, ['claims', 'next', '--from', '/missing'])).code).toBe(74);
  expect((await cli(bob, ['claims', 'next', '--from', '-'], { input: '../x\n' })).code).toBe(64);
  expect((await cli(bob, ['claims', 'next'])).code).toBe(64);
});

test('--wait: whom it waits for is seen, and it takes what is released', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  const waiting = startCli(bob, ['claim', '--wait', 'x']);
  let seen = '';
  waiting.process.stderr?.on('data', (chunk: string) => (seen += chunk));
  await eventually('it waits', () => seen.includes('waiting: x is claimed by ada'));
  await release('x', optionsFor(ada));
  expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'claimed x\n' });
});

test('--wait: Ctrl-C ends it with 130 and claims nothing', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(ada));
  const waiting = startCli(bob, ['claim', '--wait', '--any', 'x']);
  let seen = '';
  waiting.process.stderr?.on('data', (chunk: string) => (seen += chunk));
  await eventually('it waits', () => seen.includes('waiting:'));
  waiting.process.kill('SIGINT');
  expect((await waiting.ended).code).toBe(130);
  expect((await list(optionsFor(bob))).claims).toMatchObject([{ id: 'x', agent: 'ada' }]);
});
