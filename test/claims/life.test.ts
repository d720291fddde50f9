import { describe, expect, test } from 'vitest';

import { cli, cliJson, eventsOf } from '../support/cli.js';
import { clones, git, optionsFor, testRemote, TRANSPORTS } from '../support/git-remotes.js';
import {
  check,
  claim,
  history,
  list,
  release,
  renew,
  type Claim,
  type ClaimsOptions,
} from '../../src/claims/index.js';

interface Listed {
  readonly claims: readonly Claim[];
}

describe.each(TRANSPORTS)('over %s', (transport) => {
  test('a claim lives: claimed, contended, renewed, released, claimed by the next with a higher generation', async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    const first = await claim('task-1', { ...ada, reason: 'the parser', branch: 'parser' });
    expect(first.outcome).toBe('claimed');
    expect((await claim('task-1', ada)).outcome).toBe('already-held');
    const contended = await claim('task-1', bob);
    expect(contended.outcome).toBe('contended');
    expect(contended.items[0]?.claim).toMatchObject({
      agent: 'ada',
      branch: 'parser',
      reason: 'the parser',
      isMine: false,
    });
    expect((await release('task-1', bob))[0]?.outcome).toBe('contended');
    expect((await renew(undefined, ada))[0]?.outcome).toBe('renewed');
    expect((await check('task-1', ada))[0]?.outcome).toBe('held');
    expect((await check('task-1', bob))[0]?.outcome).toBe('contended');
    expect((await list(bob)).claims).toMatchObject([{ id: 'task-1', agent: 'ada' }]);
    expect((await release('task-1', ada))[0]?.outcome).toBe('released');
    const second = await claim('task-1', bob);
    expect(second.items[0]?.claim?.generation).toBeGreaterThan(first.items[0]?.claim?.generation ?? 0n);
    const events = (await history('task-1', ada)).map(({ event }) => event);
    expect(events).toEqual(['claimed', 'released', 'renewed', 'claimed']);
  });

  test('one of three taken between the look and the push: none is taken', async () => {
    const remote = await testRemote(transport);
    const [ada, bob] = (await clones(remote, 'ada', 'bob')).map(optionsFor) as [ClaimsOptions, ClaimsOptions];
    // Bob has seen all three free: his next claim pushes without looking.
    await check(['1', '2', '3'], bob);
    await claim('2', ada);
    const { outcome, items } = await claim(['1', '2', '3'], bob);
    expect(outcome).toBe('contended');
    expect(items.map((item) => [item.outcome, item.claim?.agent])).toEqual([
      ['not-taken', undefined],
      ['contended', 'ada'],
      ['not-taken', undefined],
    ]);
    expect((await list(bob)).claims.map(({ id }) => id)).toEqual(['2']);
    await release('2', ada);
    expect((await claim(['1', '2', '3'], bob)).outcome).toBe('claimed');
  });
});

test('the command: exit codes and words', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  expect(await cli(ada, ['claim', '2', '--reason', 'mine'])).toMatchObject({
    code: 0,
    stdout: 'claimed 2\n',
  });
  expect(await cli(ada, ['claim', '2'])).toMatchObject({ code: 0, stdout: 'already yours: 2\n' });
  const { code, stderr } = await cli(bob, ['claim', '1', '2', '3']);
  expect([code, stderr]).toEqual([
    75,
    expect.stringMatching(/not taken: 1\ncontended: 2 is claimed by ada .*"mine"\nnot taken: 3/),
  ]);
  expect((await cli(bob, ['claims'])).stdout).toMatch(
    /^ID +AGENT +SINCE +ALIVE +PROGRESS +BRANCH +STATE +REASON\n2 +ada +\S+ +(?:now|\d+ s ago) +(?:now|\d+ s ago) +- +held +mine\n$/,
  );
  expect((await cliJson<Listed>(bob, ['claims', 'list'])).claims.map(({ id }) => id)).toEqual(['2']);
  expect((await cli(bob, ['claims', 'check', '2'])).code).toBe(75);
  expect((await cli(bob, ['claims', 'check', '1'])).code).toBe(76);
  expect((await cli(bob, ['unclaim', '2'])).code).toBe(75);
  expect((await cli(ada, ['claims', 'renew'])).stdout).toBe('renewed 2\n');
  expect((await cli(ada, ['unclaim', '2'])).stdout).toBe('released 2\n');
  expect(await eventsOf(ada, '2')).toEqual(['claimed', 'renewed', 'released']);
});

test('INV-GIT-3: nothing but the claims branches is touched, here and there', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  await cli(ada, ['claim', 'task-1', 'Task/2']);
  expect(await git(ada, 'for-each-ref')).toBe('');
  expect(await git(ada, 'status', '--porcelain')).toBe('');
  expect(await git(remote.path, 'for-each-ref', '--format=%(refname) %(subject)')).toBe(
    'refs/heads/holdfast/claims/task-1 holdfast: task-1 claimed by ada [skip ci]\nrefs/heads/holdfast/claims/task=2f2 holdfast: Task/2 claimed by ada [skip ci]',
  );
});

test('the same agent in another clone contends, releases nothing from there, and takes over when told to', async () => {
  const remote = await testRemote();
  const [laptop = '', desktop = ''] = await clones(remote, 'laptop', 'desktop');
  const env = { HOLDFAST_AGENT: 'ada' };
  await cli(laptop, ['claim', 'x'], { env });
  expect(await cli(desktop, ['claim', 'x'], { env })).toMatchObject({
    code: 75,
    stderr: expect.stringContaining('this agent in another clone') as string,
  });
  expect((await cli(desktop, ['unclaim', 'x'], { env })).code).toBe(75);
  expect((await cli(laptop, ['claims', 'check', 'x'], { env })).code).toBe(0);
  expect(await cli(desktop, ['claim', 'x', '--take-over'], { env })).toMatchObject({
    code: 0,
    stdout: 'claimed x\n',
  });
  expect((await cli(laptop, ['claims', 'check', 'x'], { env })).code).toBe(76);
  expect(await eventsOf(laptop, 'x')).toEqual(['claimed', 'stolen']);
  await cli(laptop, ['claim', 'y'], { env: { HOLDFAST_AGENT: 'bob' } });
  expect((await cli(desktop, ['claim', 'y', '--take-over'], { env })).code, "another agent's").toBe(75);
});

test('one agent without a name, in two working trees of one clone, is two', async () => {
  const remote = await testRemote();
  const [main = ''] = await clones(remote, 'main');
  await git(main, 'commit', '--quiet', '--allow-empty', '-m', 'one');
  const [w1, w2] = [`${main}-1`, `${main}-2`];
  for (const tree of [w1, w2]) await git(main, 'worktree', 'add', '--quiet', '--detach', tree);
  const env = { HOLDFAST_AGENT: undefined };
  expect((await cli(w1, ['claim', 'x'], { env })).code).toBe(0);
  expect(await cli(w1, ['claim', 'x'], { env })).toMatchObject({ code: 0, stdout: 'already yours: x\n' });
  for (const words of [
    ['claim', 'x'],
    ['unclaim', 'x'],
    ['claims', 'check', 'x'],
  ])
    expect((await cli(w2, words, { env })).code, words.join(' ')).toBe(75);
  expect((await cli(w2, ['claims'], { env })).stdout).toMatch(/^x +main@\S+\/main-1 /m);
  expect((await cli(w1, ['claims', 'check', 'x'], { env })).code).toBe(0);
});

test.each(['', 'ada <x>'])('the name %j is refused before anything is published', async (name) => {
  const remote = await testRemote();
  const [clone = ''] = await clones(remote, 'clone');
  const env = { HOLDFAST_AGENT: name };
  for (const words of [
    ['claim', 'x'],
    ['run', '-n', 'git:origin#x', '--', 'true'],
  ]) {
    const { code, stderr } = await cli(clone, words, { env });
    expect([code, stderr], words.join(' ')).toEqual([78, expect.stringContaining('cannot name an agent')]);
  }
  expect((await cli(clone, ['claim', 'x', '--agent', name])).code).toBe(64);
  expect(await git(remote.path, 'for-each-ref')).toBe('');
});

test('two agents in one clone are two agents', async () => {
  const remote = await testRemote();
  const [clone = ''] = await clones(remote, 'clone');
  const agents = ['ada', 'bob', 'cyd', 'dan'];
  const results = await Promise.all(agents.map((agent) => cli(clone, ['claim', 'x', '--agent', agent])));
  expect(results.map(({ code }) => code ?? -1).sort((a, b) => a - b)).toEqual([0, 75, 75, 75]);
  const winner = agents[results.findIndex(({ code }) => code === 0)] as string;
  const loser = agents.find((agent) => agent !== winner) as string;
  expect((await cli(clone, ['unclaim', 'x', '--agent', loser])).code).toBe(75);
  expect((await cli(clone, ['unclaim', 'x', '--agent', winner])).code).toBe(0);
});

test('a base that lacks what the last holder left is refused', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  await git(ada, 'commit', '--quiet', '--allow-empty', '-m', 'one');
  await git(ada, 'push', '--quiet', 'origin', 'HEAD:main');
  await git(bob, 'pull', '--quiet', 'origin', 'main');
  await git(ada, 'commit', '--quiet', '--allow-empty', '-m', 'two');
  await git(ada, 'push', '--quiet', 'origin', 'HEAD:main');
  await cli(ada, ['claim', 'x']);
  await cli(ada, ['unclaim', 'x', '--base', 'HEAD']);
  const refused = await cli(bob, ['claim', 'x', '--base', 'HEAD']);
  expect([refused.code, refused.stderr]).toEqual([75, expect.stringContaining('ada left it at')]);
  await git(bob, 'pull', '--quiet', 'origin', 'main');
  expect((await cli(bob, ['claim', 'x', '--base', 'HEAD'])).code).toBe(0);
  expect((await cli(bob, ['claim', 'y', '--base', 'nonsense'])).code).toBe(64);
});
