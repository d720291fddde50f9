import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ResourceUpdatedNotificationSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';

import { claim, list, release, steal } from '../../src/claims/index.js';
import { testDirectory } from '../support/directory.js';
import { clones, faultyRemote, optionsFor, testClone, testRemote } from '../support/git-remotes.js';
import { eventually } from '../support/processes.js';
import { agentIn } from './client.js';

test('nine tools with schemas and hints, three resources, two prompts, and short instructions', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  const { client } = await agentIn(ada);
  const { tools } = await client.listTools();
  expect(tools.map(({ name }) => name).toSorted()).toEqual(
    ['claim', 'hold', 'list', 'note', 'release', 'show', 'steal', 'unhold', 'why'].toSorted(),
  );
  for (const { name, description, inputSchema, outputSchema, annotations } of tools) {
    expect([name, typeof description, inputSchema.type, outputSchema?.type]).toEqual([
      name,
      'string',
      'object',
      'object',
    ]);
    expect(annotations?.readOnlyHint === true, name).toBe(['list', 'show', 'why'].includes(name));
    expect(annotations?.destructiveHint === true, name).toBe(name === 'steal');
  }
  expect(client.getInstructions()?.length).toBeLessThan(600);
  expect((await client.listResources()).resources.map(({ uri }) => uri)).toEqual([
    'holdfast://claims',
    'holdfast://locks',
  ]);
  expect((await client.listResourceTemplates()).resourceTemplates[0]?.uriTemplate).toBe(
    'holdfast://claims/{id}/history',
  );
  expect((await client.listPrompts()).prompts.map(({ name }) => name)).toEqual(['next-item', 'hand-over']);
  const prompt = await client.getPrompt({ name: 'hand-over', arguments: { id: 'x' } });
  expect(prompt.messages[0]?.content).toMatchObject({
    type: 'text',
    text: expect.stringContaining('x') as string,
  });
});

test('a work item from claim to release, contended and stolen: results, never errors', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const agent = await agentIn(ada, [], { HOLDFAST_SESSION: 'one' });
  const taken = await agent.call('claim', { ids: ['x'], paths: ['src/'], reason: 'to do it', branch: 'b' });
  expect(taken.data).toMatchObject({
    outcome: 'claimed',
    items: [{ id: 'x', claim: { agent: 'ada~one', reason: 'to do it', branch: 'b' } }, { id: 'src/' }],
  });
  expect(JSON.parse(taken.text)).toEqual(taken.data);
  expect((await agent.call('claim', { ids: ['x'], reason: 'again' })).data).toMatchObject({
    outcome: 'already-held',
  });
  expect((await agent.call('note', { id: 'x', text: 'half\nway' })).data).toMatchObject({
    outcome: 'noted',
    claim: { note: 'half way' },
  });
  await claim('y', optionsFor(bob));
  const contended = await agent.call('claim', { ids: ['y'], reason: 'r' });
  expect(contended.isError).toBe(false);
  expect(contended.data).toMatchObject({
    outcome: 'contended',
    items: [{ id: 'y', claim: { agent: 'bob' } }],
    next: expect.stringContaining('something else') as string,
  });
  expect((await agent.call('why', { id: 'y' })).data).toMatchObject({
    isFree: false,
    claim: { agent: 'bob' },
  });
  expect((await agent.call('why', { id: 'z' })).data).toMatchObject({ isFree: true });
  const refused = await agent.call('steal', { id: 'y', reason: 'mine' });
  expect([refused.isError, refused.text]).toEqual([true, expect.stringContaining('HOLDFAST_CONTENDED')]);
  expect((await agent.call('show', { id: 'x' })).data).toMatchObject({
    claim: { id: 'x', isMine: true },
    events: [{ event: 'noted' }, { event: 'claimed' }],
  });
  const listed = await agent.call('list');
  expect(listed.data).toMatchObject({
    claims: [{ id: 'src/' }, { id: 'x' }, { id: 'y' }],
    lost: [],
    locks: [],
  });
  expect((await agent.call('release', { ids: ['x'], done: true })).data).toMatchObject({
    items: [{ outcome: 'released' }],
  });
  expect((await agent.call('release')).data).toMatchObject({ items: [{ id: 'src/', outcome: 'released' }] });
  expect((await agent.call('note', { id: 'x', text: 't' })).data).toMatchObject({ outcome: 'not-held' });
});

test('what is stale may be stolen, what was lost is said', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const agent = await agentIn(ada, ['--stale-after', '600ms']);
  await claim('x', { ...optionsFor(bob), staleAfterMs: 1 });
  const stolen = await eventually('it is stolen', async () => {
    const answer = await agent.call('steal', { id: 'x', reason: 'gone' });
    return answer.isError ? undefined : answer;
  });
  expect(stolen.data).toMatchObject({ outcome: 'stolen', previous: { agent: 'bob' } });
  // The server renews meanwhile: then the steal has to look again.
  const isTaken = async (): Promise<boolean> =>
    (await steal('x', { ...optionsFor(bob), force: true, reason: 'back' })).outcome === 'stolen';
  await eventually('bob has it', isTaken);
  const told = await agent.call('note', { id: 'x', text: 't' });
  // By then the renewal may have heard of it first.
  expect(['lost', 'not-held']).toContain(told.data['outcome']);
  expect((await agent.call('claim', { ids: ['x'], reason: 'r' })).data).toMatchObject({
    outcome: expect.stringMatching(/^(?:lost|contended)$/) as string,
  });
});

test('claim with wait takes what is released meanwhile', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  await claim('x', optionsFor(bob));
  const agent = await agentIn(ada);
  const waiting = agent.call('claim', { ids: ['x'], reason: 'r', wait: 50 });
  await release('x', optionsFor(bob));
  expect((await waiting).data).toMatchObject({ outcome: 'claimed' });
});

test('errors: wrong arguments, ids that cannot be, a remote that is away, an answer that was lost', async () => {
  const remote = await faultyRemote();
  const ada = await testClone(remote, 'ada');
  const agent = await agentIn(ada);
  for (const [name, args] of [
    ['claim', { ids: 3, reason: 'r' }],
    ['claim', { ids: ['../x'], reason: 'r' }],
    ['claim', { ids: [], reason: 'r' }],
    ['claim', { ids: ['x'] }],
    ['claim', { paths: ['/etc'], reason: 'r' }],
    ['note', { id: 'x' }],
    ['steal', { id: 'x' }],
    ['why', {}],
    ['hold', { name: 'nosuch://x' }],
    ['frobnicate', {}],
  ] as const) {
    const answer = await agent
      .call(name, args)
      .catch((error: Error) => ({ isError: true, text: error.message }));
    expect([answer.isError, answer.text.length > 0], JSON.stringify([name, args])).toEqual([true, true]);
  }
  expect((await agent.call('claim', { ids: ['x'], reason: 'r' })).data).toMatchObject({ outcome: 'claimed' });
  remote.faults.losesPushReplies = true;
  const unknown = await agent.call('claim', { ids: ['y'], reason: 'r' });
  // The look afterwards finds it: claimed. Without the look it is unconfirmed.
  expect(unknown.data).toMatchObject({ outcome: 'claimed' });
  await remote.goDown();
  const away = await agent.call('claim', { ids: ['z'], reason: 'r' });
  expect([away.isError, away.text]).toEqual([true, expect.stringContaining('HOLDFAST_BACKEND_UNAVAILABLE')]);
});

test('locks: held once on this machine, by name, until unhold or the end of the session', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const env = { XDG_STATE_HOME: testDirectory() };
  const [one, two] = [await agentIn(ada, [], env), await agentIn(bob, [], env)];
  const taken = await one.call('hold', { name: 'port-3000', reason: 'the server' });
  expect(taken.data).toMatchObject({
    outcome: 'held',
    address: join(env.XDG_STATE_HOME, 'holdfast/named/port-3000.lock'),
  });
  expect(existsSync(taken.data['address'] as string)).toBe(true);
  expect((await one.call('hold', { name: 'port-3000' })).data).toMatchObject({ outcome: 'already-held' });
  expect((await two.call('hold', { name: 'port-3000' })).data).toMatchObject({
    outcome: 'contended',
    holders: [{ pid: one.pid }],
  });
  expect((await two.call('why', { name: 'port-3000' })).data).toMatchObject({ isFree: false });
  const locks = await one.client.readResource({ uri: 'holdfast://locks' });
  expect(JSON.parse((locks.contents[0] as { text: string }).text)).toMatchObject({
    locks: [{ name: 'port-3000' }],
  });
  expect((await one.call('unhold', { name: 'port-3000' })).data).toMatchObject({ outcome: 'released' });
  expect((await one.call('unhold', { name: 'port-3000' })).data).toMatchObject({ outcome: 'not-held' });
  expect((await two.call('hold', { name: 'port-3000' })).data).toMatchObject({ outcome: 'held' });
  await two.client.close();
  expect((await one.call('hold', { name: 'port-3000', wait: 30 })).data).toMatchObject({ outcome: 'held' });
});

test('subscribers hear of changes by others and by this session', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const agent = await agentIn(ada, ['--interval', '100ms']);
  const updated: string[] = [];
  agent.client.setNotificationHandler(
    ResourceUpdatedNotificationSchema,
    ({ params }) => void updated.push(params.uri),
  );
  for (const uri of ['holdfast://claims', 'holdfast://claims/x/history', 'holdfast://locks'])
    await agent.client.subscribeResource({ uri });
  await claim('x', optionsFor(bob));
  await eventually('the claim of bob is heard of', () => updated.includes('holdfast://claims/x/history'));
  expect(updated).toContain('holdfast://claims');
  await agent.call('hold', { name: 'y', reason: 'r' });
  await eventually('the lock is heard of', () => updated.includes('holdfast://locks'));
  await agent.call('unhold', { name: 'y' });
  expect((await list(optionsFor(bob))).claims.map(({ id }) => id)).toEqual(['x']);
});
