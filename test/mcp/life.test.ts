import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { claim, list } from '../../src/claims/index.js';
import { CLI, eventsOf } from '../support/cli.js';
import { whenFinished } from '../support/finish.js';
import { clones, optionsFor, testRemote } from '../support/git-remotes.js';
import { eventually, isGone, killAfterTest } from '../support/processes.js';
import { agentIn, serverEnvironment } from './client.js';

const CLIENT = fileURLToPath(new URL('../fixtures/mcp-client.mjs', import.meta.url));
/** For what is promised at the end, however slow the machine is. */
const PATIENT = ['--grace', '60s'];

/** A client in a process of its own, which has claimed `x` and tells the pid of its server. */
async function clientIn(
  clone: string,
  words: readonly string[],
  how: 'direct' | 'shell',
): Promise<{ kill(): void; closeStdin(): void; server: number; shell: number }> {
  const child = spawn(process.execPath, [CLIENT, CLI, how, ...words], {
    cwd: clone,
    env: serverEnvironment(clone, {}),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  whenFinished(() => void child.kill('SIGKILL'));
  const pids = await new Promise<{ server: number; shell: number }>((resolve) =>
    createInterface({ input: child.stdout }).once('line', (line) =>
      resolve(JSON.parse(line) as { server: number; shell: number }),
    ),
  );
  killAfterTest(pids.server);
  return {
    ...pids,
    kill: () => void child.kill('SIGKILL'),
    closeStdin: () => void child.stdin.end(),
  };
}

const freed = (clone: string): Promise<boolean> =>
  eventually('x is free', async () => (await list(optionsFor(clone))).claims.length === 0);

test('SIGKILL of the client: the server goes, and releases what it held', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const client = await clientIn(ada, PATIENT, 'direct');
  expect((await list(optionsFor(bob))).claims).toMatchObject([{ id: 'x' }]);
  client.kill();
  await eventually('the server is gone', () => isGone(client.server));
  await freed(bob);
});

test('a closed stdin with --on-exit keep: the server goes, and the claim stays until it is stale', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const client = await clientIn(ada, ['--on-exit', 'keep', '--stale-after', '300ms'], 'direct');
  client.closeStdin();
  await eventually('the server is gone', () => isGone(client.server));
  await eventually(
    'it is stale',
    async () => (await list({ ...optionsFor(bob), staleAfterMs: 300 })).claims[0]?.isStale,
  );
  expect(await eventsOf(bob, 'x')).not.toContain('released');
});

test('another parent while stdin stays open: the server goes', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const client = await clientIn(ada, PATIENT, 'shell');
  process.kill(client.shell, 'SIGKILL');
  await eventually('the server is gone', () => isGone(client.server));
  await freed(bob);
});

test('the server renews for many leases while its client is silent', async () => {
  const [ada = '', bob = ''] = await clones(await testRemote(), 'ada', 'bob');
  const agent = await agentIn(ada, ['--stale-after', '1s']);
  const before = await agent.call('claim', { ids: ['x'], reason: 'r' });
  const [{ claim: own }] = before.data['items'] as [{ claim: { holderId: string } }];
  await eventually('it has been renewed for five leases', async () => {
    const events = await eventsOf(bob, 'x');
    return events.filter((event) => event === 'renewed').length >= 15;
  });
  expect((await list(optionsFor(bob))).claims).toMatchObject([
    { id: 'x', holderId: own.holderId, progress: { by: 'claim' } },
  ]);
  expect((await claim('x', optionsFor(bob))).outcome).toBe('contended');
});

test('two servers in one working tree are two sessions; a newer one of the same session takes over', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  const one = await agentIn(ada, ['--stale-after', '1s'], { HOLDFAST_SESSION: 'editor' });
  const other = await agentIn(ada);
  const first = await one.call('claim', { ids: ['x'], reason: 'r' });
  expect((await other.call('claim', { ids: ['x'], reason: 'r' })).data).toMatchObject({
    outcome: 'contended',
  });
  const newer = await agentIn(ada, [], { HOLDFAST_SESSION: 'editor' });
  const tokenOf = (data: Record<string, unknown>): bigint =>
    BigInt((data['claims'] as { token: string }[])[0]?.token ?? 0);
  const [{ claim: old }] = first.data['items'] as [{ claim: { token: string } }];
  await eventually(
    'it has a new token',
    async () => tokenOf((await newer.call('list')).data) > BigInt(old.token),
  );
  // The earlier one hears of it at its next renewal, and releases nothing of the newer one's when it ends.
  await one.client.close();
  await eventually('the earlier one is gone', () => isGone(one.pid));
  expect((await newer.call('list', { mine: true })).data).toMatchObject({
    claims: [{ id: 'x', isMine: true }],
  });
});
