import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import { claimIdFault, claimOfRef, refOfClaim } from '../../../src/backends/git/claim-id.js';
import { claimedChange } from '../../../src/backends/git/events.js';
import { isUnsent, refusalKind } from '../../../src/backends/git/failures.js';
import {
  commitText,
  parseCommit,
  withSignature,
  writeObject,
  writeTree,
} from '../../../src/backends/git/objects.js';
import { readPorcelain } from '../../../src/backends/git/push.js';
import { decodeClaimRecord } from '../../../src/backends/git/record.js';
import { findRepository } from '../../../src/backends/git/repository.js';
import { FirstSeen, type Timeline } from '../../../src/platform/first-seen.js';
import { gitFailure } from '../../../src/process/git/failure.js';
import { testDirectory } from '../../support/directory.js';
import { GIT_ENV } from '../../support/git-remotes.js';

function gitIn(directory: string, ...args: string[]): string {
  return execFileSync('git', args, { cwd: directory, env: GIT_ENV, encoding: 'utf8' }).trim();
}

const TAKER = { agent: 'ada', holderId: 'h', staleAfterMs: 1_000 };

describe('ids', () => {
  const PLAIN = fc.stringMatching(/^[A-Za-z0-9#][A-Za-z0-9._/#@ =:-]{0,20}$/);

  test('an id and its branch stand for each other, and git takes the branch', () => {
    const directory = testDirectory();
    fc.assert(
      fc.property(fc.oneof(PLAIN, fc.string({ unit: 'grapheme', maxLength: 12 })), (id) => {
        if (claimIdFault(id) !== undefined) return;
        const ref = refOfClaim(id);
        expect(ref).toMatch(/^refs\/heads\/holdfast\/claims\/[a-z0-9=_.-]+$/);
        expect(refOfClaim(claimOfRef(ref) ?? '')).toBe(ref);
      }),
    );
    fc.assert(
      fc.property(PLAIN, (id) => {
        if (claimIdFault(id) !== undefined) return;
        expect(refOfClaim(id.toUpperCase())).toBe(refOfClaim(id));
        expect(gitIn(directory, 'check-ref-format', '--normalize', refOfClaim(id))).toBe(refOfClaim(id));
      }),
      { numRuns: 50 },
    );
  });

  test.each([
    ['issue-42', 'issue-42'],
    ['Issue-42', 'issue-42'],
    ['#42', '=2342'],
    ['feature/x', 'feature=2fx'],
    ['src/Parser.ts', 'src=2fparser.ts'],
    ['.env', '=2eenv'],
    ['v1..v2', 'v1.=2ev2'],
    ['Cargo.lock', 'cargo=2elock'],
    ['CON', '=63on'],
    ['a=b', 'a=3db'],
    ['Ä', '=c3=a4'],
  ])('%s is the branch %s', (id, name) => expect(refOfClaim(id)).toBe(`refs/heads/holdfast/claims/${name}`));

  test('a branch that no id has', () => {
    for (const name of ['Foo', 'a/b', '=46oo', '=zz', 'x=2', '=2e=2e'])
      expect(claimOfRef(`refs/heads/holdfast/claims/${name}`), name).toBeUndefined();
  });
});

describe('records', () => {
  test('two events are never the same commit', () => {
    const [first, second] = [1, 2].map(
      () => claimedChange('x', refOfClaim('x'), { oid: '', generation: 0 }, TAKER, 0).record,
    );
    expect(first?.nonce).not.toBe(second?.nonce);
  });

  test('nothing that a stranger may write is thrown over, and only what is whole is believed', () => {
    const ref = refOfClaim('x');
    const { record } = claimedChange('x', ref, { oid: '', generation: 0 }, TAKER, 1_700_000_000_000);
    expect(decodeClaimRecord(ref, JSON.stringify(record)).kind).toBe('record');
    expect(record.generation, 'microseconds').toBe(1_700_000_000_000_000);
    fc.assert(fc.property(fc.string(), (text) => decodeClaimRecord(ref, text).kind === 'broken'));
    fc.assert(
      fc.property(fc.jsonValue(), (value) => decodeClaimRecord(ref, JSON.stringify(value)).kind === 'broken'),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(
          'resource',
          'event',
          'agent',
          'generation',
          'holderId',
          'nonce',
          'staleAfterMs',
          'at',
        ),
        fc.jsonValue(),
        (key, value) => {
          const decoded = decodeClaimRecord(ref, JSON.stringify({ ...record, [key]: value }));
          if (decoded.kind === 'record') expect(typeof decoded.record[key]).toBe(typeof record[key]);
        },
      ),
    );
  });
});

test('objects are what git itself would write', () => {
  const directory = testDirectory();
  gitIn(directory, 'init', '--quiet', '--bare', '.');
  const objects = { store: directory, format: 'sha1' } as const;
  const blob = writeObject(objects, 'blob', Buffer.from('{}\n'));
  const tree = writeTree(objects, 'lock.json', blob);
  const text = commitText({
    tree,
    parent: undefined,
    author: 'Ada <a@b>',
    committer: 'C <c@d>',
    atSeconds: 5,
    message: 'hello',
  });
  const commit = writeObject(objects, 'commit', Buffer.from(text));
  expect(gitIn(directory, 'fsck', '--strict', '--no-dangling')).toBe('');
  expect(gitIn(directory, 'show', '-s', '--format=%an|%ae|%cn|%at|%s', commit)).toBe('Ada|a@b|C|5|hello');
  expect(gitIn(directory, 'show', `${commit}:lock.json`)).toBe('{}');
  const signed = withSignature(text, '-----BEGIN\nabc\n-----END\n');
  expect(parseCommit(signed)).toMatchObject({
    authorName: 'Ada',
    signature: '-----BEGIN\nabc\n-----END',
    payload: text,
  });
});

test('the answers of a push are read branch by branch', () => {
  const updates = ['a', 'aa', 'b', 'c', 'd', 'e'].map((name) => ({
    ref: `refs/${name}`,
    expected: '',
    oid: '1',
  }));
  const statuses = readPorcelain(
    [
      'To /srv/x:refs/a',
      '*\t1:refs/a\t[new branch]',
      ' \t1:refs/aa\t0..1',
      '!\t1:refs/b\t[rejected] (stale info)',
      '!\t1:refs/c\t[remote failure] (remote failed to report status)',
      '=\t1:refs/d\t[up to date]',
      'Done',
    ].join('\n'),
    updates,
  );
  expect(updates.map(({ ref }) => statuses.get(ref)?.kind)).toEqual([
    'landed',
    'landed',
    'refused',
    'unknown',
    'unknown',
    'unknown',
  ]);
});

test.each([
  ['[remote rejected] (pre-receive hook declined)', 'denied'],
  ['[remote rejected] (protected branch hook declined)', 'denied'],
  ['fatal: unable to access: The requested URL returned error: 403', 'denied'],
  ['[remote rejected] (cannot lock ref)', 'transient'],
  ['[remote rejected] (failed to update ref)', 'transient'],
  ['[remote rejected] (unpacker error)', 'other'],
])('%s is %s', (text, kind) => expect(refusalKind(text)).toBe(kind));

const RIGHTS =
  'fatal: Could not read from remote repository.\n\nPlease make sure you have the correct access rights';
test.each([
  // What git 2.39 printed.
  ["fatal: unable to access 'http://h/x.git/': The requested URL returned error: 403", true, true],
  ['ERROR: Permission to a/b.git denied to c.\n' + RIGHTS, true, true],
  ['git@h: Permission denied (publickey).\n' + RIGHTS, true, true],
  ['fatal: remote error: access denied or repository not exported: /x.git', false, true],
  ['fatal: unable to look up protected.invalid (port 9418) (Name or service not known)', false, true],
  ["fatal: unable to access 'http://h:1/issue-403.git/': Failed to connect to h port 1", false, true],
  ['ssh: connect to host protected port 22: Connection refused\n' + RIGHTS, false, true],
  ["fatal: '/srv/protected/x.git' does not appear to be a git repository\n" + RIGHTS, false, true],
  ["error: failed to push some refs to '/srv/protected/x.git'", false, false],
  [
    'remote: fatal: Could not read from remote repository.\nfatal: the remote end hung up unexpectedly',
    false,
    false,
  ],
  ['error: RPC failed; HTTP 500 curl 22\nfatal: the remote end hung up unexpectedly', false, false],
  ['', false, false],
])('of a push, %j: turned away %s, nothing sent %s', (stderr, turnedAway, unsent) => {
  expect([gitFailure(stderr).kind === 'denied', isUnsent(stderr)]).toEqual([turnedAway, unsent]);
});

test.each([
  [
    'fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Connection refused\n',
    'unable to connect to 127.0.0.1: 127.0.0.1[0: 127.0.0.1]: errno=Connection refused',
  ],
  [
    "fatal: unable to access 'http://u:p@h/': refused\nerror: failed to push some refs",
    "unable to access 'http://h/': refused",
  ],
  [
    'error: RPC failed; HTTP 403 curl 22\nsend-pack: unexpected disconnect\nfatal: the remote end hung up unexpectedly\n',
    'RPC failed; HTTP 403 curl 22',
  ],
  ['', 'git gave no reason'],
])('the reason in %j is told in one line', (stderr, reason) =>
  expect(gitFailure(stderr).reason).toBe(reason),
);

test('a clone is found from a folder in it, a linked working tree, and itself when bare', () => {
  const directory = testDirectory();
  const main = join(directory, 'main');
  gitIn(directory, 'init', '--quiet', main);
  gitIn(main, '-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--allow-empty', '-m', 'x');
  gitIn(main, 'worktree', 'add', '--quiet', join(directory, 'linked'));
  gitIn(directory, 'init', '--quiet', '--bare', 'bare.git');
  mkdirSync(join(main, 'a/b'), { recursive: true });
  writeFileSync(join(main, 'a/HEAD'), '');
  const commonDir = join(main, '.git');
  expect(findRepository(join(main, 'a/b'))).toEqual({ topLevel: main, commonDir, gitDir: commonDir });
  expect(findRepository(join(directory, 'linked'))).toEqual({
    topLevel: join(directory, 'linked'),
    commonDir,
    gitDir: join(commonDir, 'worktrees/linked'),
  });
  expect(findRepository(join(directory, 'bare.git'))?.commonDir).toBe(join(directory, 'bare.git'));
  expect(findRepository(directory)).toBeUndefined();
});

describe('INV-GIT-7: staleness is what this clone has seen, on this boot, by a clock that runs through suspend', () => {
  function timeline(nowMs: number, bootId: string | undefined = 'boot', timeNamespace = 1): Timeline {
    return { bootId, timeNamespace, now: () => nowMs };
  }
  /** What a clone has seen by `at`, when an earlier command saw `tip` at 100 ms. */
  function later(at: Timeline): FirstSeen {
    const first = new FirstSeen(timeline(100), undefined);
    first.note('ref', 'tip');
    return new FirstSeen(at, first.text());
  }

  test('time counts from the first look that showed that very tip', () => {
    const second = later(timeline(200));
    second.note('ref', 'tip');
    const third = new FirstSeen(timeline(1_100), second.text());
    expect([third.unchangedMs('ref', 'tip'), third.unchangedMs('ref', 'another')]).toEqual([1_000, 0]);
  });

  test.each([
    ['another boot', timeline(1_100, 'other')],
    ['another time namespace', timeline(1_100, 'boot', 2)],
    ['a machine that cannot tell boots apart', { ...timeline(1_100), bootId: undefined }],
  ])('%s starts over, but the id is not a new one', (_, at) => {
    expect([later(at).unchangedMs('ref', 'tip'), later(at).has('ref')]).toEqual([0, true]);
  });
});
