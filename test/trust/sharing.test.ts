import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { CLI } from '../support/cli.js';
import { ALICE, BOB, CAROL, libraryAs, holdfastAs, placeOf, PROJECT, runAs, type Person } from './people.js';

const member = (person: Person): Person => ({ ...person, groups: [PROJECT] });
const UPDATE = (times: number): string =>
  `const file = new JsonFile('data.json', { defaultValue: { n: 0 } });
   for (let i = 0; i < ${times}; i++) await file.update((v) => ({ n: v.n + 1 }));`;

function rightsOf(path: string): string {
  const { uid, gid, mode } = statSync(path);
  return `${uid}:${gid} ${(mode & 0o7777).toString(8)}`;
}

describe('three members of a group', () => {
  const people = [ALICE, BOB, CAROL].map(member);

  test.each([0, 1, 2])('update one file together, whoever of them is first (%d)', async (first) => {
    const place = placeOf(ALICE, 0o2775, PROJECT);
    const [creator, ...others] = [...people.slice(first), ...people.slice(0, first)] as [Person, ...Person[]];

    expect(await libraryAs(creator, place, UPDATE(1))).toMatchObject({ code: 0, stderr: '' });
    const ended = await Promise.all([
      libraryAs(creator, place, UPDATE(199)),
      ...others.map((person) => libraryAs(person, place, UPDATE(200))),
    ]);

    expect(ended.map(({ stderr }) => stderr)).toEqual(['', '', '']);
    expect(JSON.parse(readFileSync(join(place, 'data.json'), 'utf8'))).toEqual({ n: 600 });
  });

  test('update one file together when all of them create it at once', async () => {
    const place = placeOf(ALICE, 0o2775, PROJECT);

    const ended = await Promise.all(people.map((person) => libraryAs(person, place, UPDATE(20))));

    expect(ended.map(({ stderr }) => stderr)).toEqual(['', '', '']);
    expect(JSON.parse(readFileSync(join(place, 'data.json'), 'utf8'))).toEqual({ n: 60 });
  });

  test('count fencing tokens together', async () => {
    const place = placeOf(ALICE, 0o2775, PROJECT);
    const tokens: bigint[] = [];
    for (const person of [...people, ...people]) {
      const { stdout, stderr } = await libraryAs(
        person,
        place,
        `await withLock('x.lock', { fencing: true }, (guard) => console.log(String(guard.fencingToken)));`,
      );
      expect(stderr).toBe('');
      tokens.push(BigInt(stdout.trim()));
    }
    expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
    expect(new Set(tokens).size).toBe(6);
  });

  test('with a default access control list instead of a wide umask', async () => {
    const place = placeOf(ALICE, 0o2770, PROJECT);
    execFileSync('setfacl', ['-d', '-m', 'u::rwx,g::rwx,o::---', place]);

    for (const person of people)
      expect(await libraryAs(person, place, UPDATE(5))).toMatchObject({ stderr: '' });

    expect(JSON.parse(readFileSync(join(place, 'data.json'), 'utf8'))).toEqual({ n: 15 });
  });

  test('a user who is no member gets in nowhere, and is told why', async () => {
    const place = placeOf(ALICE, 0o2775, PROJECT);
    await libraryAs(people[0], place, UPDATE(1));

    const ended = await holdfastAs(BOB, place, ['run', '-n', '--for', 'data.json', '--', 'true']);

    expect(ended).toMatchObject({ code: 77 });
    expect(ended.stderr).not.toMatch(/\n\s+at /);
  });
});

test('what root makes beside a file of a user belongs to that user', async () => {
  const place = placeOf(ALICE, 0o755);
  writeFileSync(join(place, 'data.json'), '{"n":0}');
  chownSync(join(place, 'data.json'), ALICE.uid, ALICE.gid);

  expect(await libraryAs(undefined, place, UPDATE(1))).toMatchObject({ stderr: '' });
  expect(await libraryAs(ALICE, place, UPDATE(1))).toMatchObject({ stderr: '' });

  expect(rightsOf(join(place, '.holdfast'))).toBe(`${ALICE.uid}:${ALICE.gid} 750`);
  expect(rightsOf(join(place, '.holdfast/locks'))).toBe(`${ALICE.uid}:${ALICE.gid} 750`);
  expect(rightsOf(join(place, '.holdfast/locks/data.json.lock'))).toBe(`${ALICE.uid}:${ALICE.gid} 640`);
  expect(rightsOf(join(place, 'data.json'))).toBe(`${ALICE.uid}:${ALICE.gid} 644`);
});

test('a private place stays private', async () => {
  const place = placeOf(ALICE, 0o700);
  await libraryAs(ALICE, place, UPDATE(1));
  expect(rightsOf(join(place, '.holdfast/locks/data.json.lock'))).toBe(`${ALICE.uid}:${ALICE.gid} 600`);
  expect(rightsOf(join(place, 'data.json'))).toBe(`${ALICE.uid}:${ALICE.gid} 600`);
});

test('where every user has files of their own, so does every user have locks, and root uses those', async () => {
  const place = placeOf({ uid: 0, gid: 0 }, 0o1777);
  for (const [person, name] of [
    [ALICE, 'a.json'],
    [BOB, 'b.json'],
  ] as const) {
    const lines = `await new JsonFile('${name}', { defaultValue: { n: 0 } }).update((v) => ({ n: v.n + 1 }));`;
    expect(await libraryAs(person, place, lines)).toMatchObject({ stderr: '' });
    expect(await libraryAs(undefined, place, lines)).toMatchObject({ stderr: '' });
    expect(await libraryAs(person, place, lines)).toMatchObject({ stderr: '' });
    expect(rightsOf(join(place, `.holdfast-${person.uid}`))).toBe(`${person.uid}:${person.gid} 700`);
    expect(JSON.parse(readFileSync(join(place, name), 'utf8'))).toEqual({ n: 3 });
  }
  const ended = await holdfastAs(BOB, place, ['run', '-n', '--for', 'a.json', '--', 'true']);
  expect(ended).toMatchObject({ code: 77 });
});

test('a lock that root makes in such a place first is its user’s', async () => {
  const place = placeOf({ uid: 0, gid: 0 }, 0o1777);
  writeFileSync(join(place, 'a.json'), '{"n":0}');
  chownSync(join(place, 'a.json'), ALICE.uid, ALICE.gid);
  expect(await holdfastAs(undefined, place, ['run', '--for', 'a.json', '--', 'true'])).toMatchObject({
    code: 0,
  });
  expect(await holdfastAs(ALICE, place, ['run', '--for', 'a.json', '--', 'true'])).toMatchObject({ code: 0 });
});

test('a HOME that belongs to somebody else is no reason to fail', async () => {
  const place = placeOf(ALICE, 0o755);
  const home = placeOf(BOB, 0o700);
  const command = ['env', `HOME=${home}`, process.execPath, CLI, 'run', 'x.lock', '--', 'true'];
  expect(await runAs(ALICE, place, command)).toMatchObject({ code: 0, stderr: '' });
});

test('git leaves the side folder alone', async () => {
  const place = placeOf({ uid: 0, gid: 0 }, 0o755);
  execFileSync('git', ['init', '-q', place]);
  await libraryAs(undefined, place, UPDATE(1));
  execFileSync('git', ['add', 'data.json'], { cwd: place });
  expect(execFileSync('git', ['status', '--short'], { cwd: place, encoding: 'utf8' })).toBe('A  data.json\n');
  execFileSync('git', ['clean', '-fdq'], { cwd: place });
  expect(statSync(join(place, '.holdfast/locks/data.json.lock')).isFile()).toBe(true);
});

test('an append of root to a file of a user in /tmp or the like', async () => {
  const place = placeOf({ uid: 0, gid: 0 }, 0o1777);
  const log = join(place, 'log.jsonl');
  writeFileSync(log, '');
  chmodSync(log, 0o666);
  chownSync(log, ALICE.uid, ALICE.gid);
  const ended = await libraryAs(undefined, place, `await new JsonLines('log.jsonl').append({ at: 1 });`);
  expect(ended.stderr).toBe('');
  expect(readFileSync(log, 'utf8')).toBe('{"at":1}\n');
});

test('a file system without modes is good enough where no mode was asked for', async () => {
  const place = placeOf({ uid: 0, gid: 0 }, 0o2775);
  const trace = ['-e', 'trace=fchmod,chmod', '-e', 'inject=fchmod,chmod:error=EPERM'];

  const ended = await libraryAs(undefined, place, UPDATE(2), [
    'strace',
    '-f',
    '-qq',
    '-o',
    '/dev/null',
    ...trace,
  ]);

  expect(ended).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(readFileSync(join(place, 'data.json'), 'utf8'))).toEqual({ n: 2 });
});

describe('access control lists', () => {
  function listOf(path: string): string {
    return execFileSync('getfacl', ['-cpn', path], { encoding: 'utf8' }).trim();
  }

  test('are kept by a durable write', async () => {
    const place = placeOf(ALICE, 0o755);
    const path = join(place, 'data.json');
    writeFileSync(path, '{"n":0}', { mode: 0o600 });
    chownSync(path, ALICE.uid, PROJECT);
    execFileSync('setfacl', ['-m', `u:${BOB.uid}:rw`, path]);
    const before = listOf(path);

    expect(await libraryAs(undefined, place, UPDATE(1))).toMatchObject({ stderr: '' });
    expect(listOf(path)).toBe(before);
    // Alice may not give the file to a group that she is no member of.
    expect(await libraryAs(ALICE, place, UPDATE(1))).toMatchObject({ stderr: '' });
    expect(listOf(path)).toBe(before);
    expect(statSync(path).gid).toBe(ALICE.gid);
  });

  test('never become rights of a group that had none', async () => {
    const place = placeOf(ALICE, 0o755);
    const path = join(place, 'data.json');
    writeFileSync(path, '{"n":0}', { mode: 0o600 });
    chownSync(path, ALICE.uid, ALICE.gid);
    execFileSync('setfacl', ['-m', `u:${BOB.uid}:rw`, path]);
    await libraryAs(ALICE, place, UPDATE(1));
    expect(listOf(path)).toMatch(/^group::---/m);
  });

  test('of a directory give its group no more than the group’s own entry, in whatever is made there', async () => {
    const place = placeOf(ALICE, 0o755, PROJECT);
    execFileSync('setfacl', ['-m', `u:${BOB.uid}:rwx`, place]);
    const names = ['.holdfast', '.holdfast/locks', '.holdfast/locks/data.json.lock', 'x.lock.token'];
    const lines = `${UPDATE(1)} await withLock('x.lock', { fencing: true }, () => {});
      await new JsonLines('log.jsonl').append({ n: 1 });`;

    expect(await libraryAs(ALICE, place, lines)).toMatchObject({ stderr: '' });

    for (const name of [...names, 'data.json', 'log.jsonl'])
      expect(statSync(join(place, name)).mode & 0o020, name).toBe(0);
  });

  test('that are inherited go on counting for those whom they name', async () => {
    const place = placeOf(ALICE, 0o700);
    execFileSync('setfacl', ['-m', `u:${BOB.uid}:rwx,d:u:${BOB.uid}:rwx`, place]);

    expect(await libraryAs(ALICE, place, UPDATE(1))).toMatchObject({ stderr: '' });

    expect(listOf(join(place, '.holdfast/locks/data.json.lock'))).toMatch(/^group::---/m);
    expect(await holdfastAs(BOB, place, ['run', '-n', '--for', 'data.json', '--', 'true'])).toMatchObject({
      code: 0,
    });
  });

  test('do not make single users share locks: what such a user made first is refused, and a group does', async () => {
    const place = placeOf(ALICE, 0o755);
    execFileSync('setfacl', ['-m', `u:${BOB.uid}:rwx`, place]);
    expect(await libraryAs(BOB, place, UPDATE(1))).toMatchObject({ stderr: '' });

    const ended = await libraryAs(ALICE, place, UPDATE(1));

    expect(ended.stderr).toMatch(/^HOLDFAST_PERMISSION .*another user owns it/);
    expect(ended.stderr).toMatch(/its access control list does not count: share by a group/);
  });
});
