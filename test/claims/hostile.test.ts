import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { check, claim, list, repair, steal, type ClaimsOptions } from '../../src/claims/index.js';
import { cli } from '../support/cli.js';
import {
  clones,
  git,
  GIT_ENV,
  optionsFor,
  testRemote,
  TRANSPORTS,
  type TestRemote,
  type Transport,
} from '../support/git-remotes.js';

const BRANCH = 'refs/heads/holdfast/claims/';

const HOSTILE_IDS = [
  '../x',
  'a/../b',
  './x',
  '/x',
  'x//',
  '/x/',
  '../x/',
  'a//b',
  '-x',
  ' x',
  'x ',
  'x'.repeat(300),
  '\u00e4'.repeat(100),
  'x\u202ey',
  'x\ue000',
  '',
  'x\ny',
];

test.each(TRANSPORTS)('hostile ids over %s are usage errors, and no branch is made', async (transport) => {
  const remote = await testRemote(transport);
  const [ada = ''] = await clones(remote, 'ada');
  for (const id of HOSTILE_IDS) {
    await expect(claim(['good', id], optionsFor(ada))).rejects.toBeInstanceOf(TypeError);
  }
  for (const id of HOSTILE_IDS.slice(transport === 'path' ? 0 : -2)) {
    expect((await cli(ada, ['claim', 'good', '--', id])).code, JSON.stringify(id)).toBe(64);
  }
  expect(await git(remote.path, 'for-each-ref')).toBe('');
});

/** Publishes a commit with that lock.json as somebody who does not use holdfast. */
async function forge(
  remote: TestRemote,
  clone: string,
  id: string,
  author: string,
  record: string,
): Promise<void> {
  writeFileSync(join(clone, 'lock.json'), record);
  const blob = await git(clone, 'hash-object', '-w', 'lock.json');
  const { execFileSync } = await import('node:child_process');
  const tree = execFileSync('git', ['mktree'], {
    cwd: clone,
    input: `100644 blob ${blob}\tlock.json\n`,
    env: GIT_ENV,
    encoding: 'utf8',
  }).trim();
  const env = { ...GIT_ENV, GIT_AUTHOR_NAME: author, GIT_AUTHOR_EMAIL: 'x@example.org' };
  const commit = execFileSync('git', ['commit-tree', '-m', 'forged', tree], {
    cwd: clone,
    env,
    encoding: 'utf8',
  }).trim();
  await git(clone, 'push', '--quiet', '--force', remote.url, `${commit}:${BRANCH}${id}`);
}

async function setUp(transport: Transport = 'path'): Promise<{
  remote: TestRemote;
  mallory: string;
  ada: ClaimsOptions;
  record: Record<string, unknown>;
}> {
  const remote = await testRemote(transport);
  const [mallory = '', ada = ''] = await clones(remote, 'mallory', 'ada');
  await claim('model', optionsFor(ada));
  const record = JSON.parse(await git(remote.path, 'show', `${BRANCH}model:lock.json`)) as Record<
    string,
    unknown
  >;
  return { remote, mallory, ada: optionsFor(ada), record };
}

async function expectRefused(who: ClaimsOptions, id: string, problem: string): Promise<void> {
  await expect(claim(id, who)).rejects.toMatchObject({
    code: 'HOLDFAST_PROTOCOL',
    message: expect.stringContaining(problem) as string,
  });
  await expect(check(id, who)).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
  expect((await list(who)).broken).toMatchObject([
    { id, problem: expect.stringContaining(problem) as string },
  ]);
  expect((await cli(who.cwd as string, ['claim', id])).code).toBe(65);
}

describe('INV-GIT-2: a record that another agent published under the name of its victim', () => {
  test.each(TRANSPORTS)('over %s: refused, reported, and ended by repair', async (transport) => {
    const { remote, mallory, ada, record } = await setUp(transport);
    await forge(remote, mallory, 'x', 'mallory', JSON.stringify({ ...record, resource: 'x', agent: 'ada' }));
    await expectRefused(ada, 'x', '"mallory" published it in the name of "ada"');
    expect(await repair(ada)).toMatchObject([{ id: 'x', kind: 'broken', outcome: 'kept' }]);
    expect(await repair({ ...ada, repair: true })).toMatchObject([{ id: 'x', outcome: 'ended' }]);
    expect((await claim('x', ada)).outcome).toBe('claimed');
  });

  test('copied from another claim', async () => {
    const { mallory, ada } = await setUp();
    await git(mallory, 'fetch', '--quiet', 'origin', `${BRANCH}model`);
    await git(mallory, 'push', '--quiet', 'origin', `FETCH_HEAD:${BRANCH}x`);
    await expectRefused(ada, 'x', 'names "model"');
  });

  test('broken records', async () => {
    const { remote, mallory, ada } = await setUp();
    const rows = [
      ['no-json', '{', 'no JSON'],
      ['a-list', '[]', 'no record'],
      ['no-agent', { schema: 1, resource: 'no-agent', event: 'claimed' }, '"agent"'],
      ['escape', { schema: 1, resource: 'escape', event: 'claimed', agent: '\u001b[2J' }, '"agent"'],
      ['older', { schema: 0 }, 'schema is 0'],
    ] as const;
    for (const [id, record] of rows) {
      await forge(
        remote,
        mallory,
        id,
        'mallory',
        typeof record === 'string' ? record : JSON.stringify(record),
      );
    }
    for (const [id, , problem] of rows) {
      await expect(claim(id, ada)).rejects.toMatchObject({
        code: 'HOLDFAST_PROTOCOL',
        message: expect.stringContaining(problem) as string,
      });
    }
    expect((await list(ada)).broken.map(({ id }) => id)).toEqual(rows.map(([id]) => id).sort());
    expect((await cli(ada.cwd as string, ['claim', 'older'])).code).toBe(65);
    expect((await cli(ada.cwd as string, ['claims', 'repair'])).code).toBe(65);
  });

  test('the highest generation: nothing is published that could not be read', async () => {
    const { remote, mallory, ada, record } = await setUp();
    for (const [id, event] of [
      ['freed', 'released'],
      ['taken', 'claimed'],
    ] as const) {
      const forged = {
        ...record,
        resource: id,
        event,
        agent: 'mallory',
        generation: Number.MAX_SAFE_INTEGER,
      };
      await forge(remote, mallory, id, 'mallory', JSON.stringify(forged));
    }
    const refused = {
      code: 'HOLDFAST_PROTOCOL',
      message: expect.stringContaining('cannot rise') as string,
    };
    await expect(claim('freed', ada)).rejects.toMatchObject(refused);
    await expect(steal('taken', { ...ada, force: true, reason: 'test' })).rejects.toMatchObject(refused);
    expect((await list(ada)).broken).toEqual([]);
  });

  test('of a newer schema: not ended by repair, because its writer knows better', async () => {
    const { remote, mallory, ada } = await setUp();
    await forge(remote, mallory, 'x', 'mallory', JSON.stringify({ schema: 2 }));
    await expectRefused(ada, 'x', 'schema is 2');
    expect(await repair({ ...ada, repair: true })).toMatchObject([
      { id: 'x', kind: 'newer', outcome: 'kept' },
    ]);
  });
});

test('INV-GIT-9: Foo and foo are one claim, in the spelling of its holder', async () => {
  const remote = await testRemote();
  const [ada = '', bob = ''] = await clones(remote, 'ada', 'bob');
  const { items } = await claim(['Foo', 'foo', 'FOO'], optionsFor(ada));
  expect(items.map(({ id, outcome }) => [id, outcome])).toEqual([['Foo', 'claimed']]);
  expect((await claim('foo', optionsFor(bob))).items[0]).toMatchObject({
    outcome: 'contended',
    claim: { id: 'Foo' },
  });
  expect((await list(optionsFor(bob))).claims.map(({ id }) => id)).toEqual(['Foo']);
  expect((await cli(ada, ['unclaim', 'FOO'])).code).toBe(0);
});

test('what people have can be claimed: issues, branches, files, a folder beside what is in it', async () => {
  const remote = await testRemote();
  const [ada = ''] = await clones(remote, 'ada');
  const ids = [
    '#42',
    'feature/x',
    'src',
    'src/parser.ts',
    'Cargo.lock',
    '.env',
    'CON',
    'v1..v2',
    'a b',
    '\u00c4=1',
  ];
  expect((await claim(ids, optionsFor(ada))).outcome).toBe('claimed');
  expect(new Set((await list(optionsFor(ada))).claims.map(({ id }) => id))).toEqual(new Set(ids));
  expect((await cli(ada, ['run', '-n', 'git:origin##42', '--', 'true'])).code).toBe(75);
});

test('credentials in a URL are not told', async () => {
  const [ada = ''] = await clones(await testRemote(), 'ada');
  await git(ada, 'remote', 'set-url', 'origin', 'http://user:secret@127.0.0.1:1/x.git');
  const { code, stderr } = await cli(ada, ['claims']);
  expect(code).toBe(69);
  expect(stderr).not.toContain('secret');
});
