import { lstatSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { CLI } from '../support/cli.js';
import { ALICE, BOB, CAROL, holdfastAs, placeOf, runAs, type Person } from './people.js';

const FORMS = ['sh', 'fish', 'json', 'dotenv'] as const;

/** A toolchain that Alice has installed, where everybody may read it. */
async function scene() {
  const place = placeOf(ALICE, 0o755);
  const git = join(place, 'src');
  const script = 'mkdir bin && printf "echo %s" "$(cat version)" > bin/tool && chmod 755 bin/tool';
  const commands = `git init -q && echo 1 > version && git add . && git -c user.name=a -c user.email=a@b commit -qm 1`;
  await runAs(ALICE, place, ['mkdir', git]);
  await runAs(ALICE, git, ['sh', '-c', commands]);
  writeFileSync(
    join(place, 'tool.json'),
    JSON.stringify({
      name: 'tool',
      source: { git },
      steps: [{ name: 'make', command: 'sh', arguments: ['-c', script] }],
      artifacts: [{ name: 'tool', files: ['tool'] }],
      search: ['bin'],
    }),
  );
  const words = [join(place, 'tool.json'), '--dir', join(place, 'opt', 'tool')];
  const as = (person: Person, ...args: string[]) => holdfastAs(person, person === ALICE ? place : '/', args);
  const built = await as(ALICE, 'setup', ...words);
  expect(built).toMatchObject({ code: 0 });
  return { place, words, as, built };
}

/** What a write would change, of everything below. */
function footprint(directory: string): string[] {
  return [
    directory,
    ...readdirSync(directory, { recursive: true, encoding: 'utf8' }).map((name) => join(directory, name)),
  ]
    .map((path) => [path, lstatSync(path)] as const)
    .map(([path, { ino, mode, uid, size, mtimeMs, ctimeMs }]) =>
      [path, ino, mode, uid, size, mtimeMs, ctimeMs].join(' '),
    )
    .toSorted();
}

describe('one installs, others of the machine use it', () => {
  test('they get the same exports, and nothing of it changes', async () => {
    const { as, words, place, built } = await scene();
    const before = footprint(place);
    for (const person of [BOB, CAROL]) {
      expect(await as(person, 'setup', ...words)).toMatchObject({ code: 0, stdout: built.stdout });
      for (const form of FORMS) expect((await as(person, 'setup', ...words, '--emit', form)).code).toBe(0);
      expect((await as(person, 'setup', 'status', ...words)).stdout).toContain('tool: installed');
      const { stdout } = await as(person, 'setup', 'path', ...words);
      expect((await runAs(person, '/', ['sh', join(stdout.trim(), 'bin/tool')])).stdout.trim()).toBe('1');
    }
    expect(footprint(place)).toEqual(before);
  });

  test('without a pin to be read, and none to be written, they hear nothing of it', async () => {
    const { as, words, place } = await scene();
    await runAs(ALICE, place, ['rm', 'holdfast-setup.lock']);
    const { code, stderr } = await as(BOB, 'setup', ...words);
    expect([code, stderr]).toEqual([0, expect.stringMatching(/^holdfast: tool: cached: \S+\n$/)]);
  });

  test('what they may not change they are told, and it stays', async () => {
    const { as, words, place } = await scene();
    const before = footprint(place);
    for (const args of [
      ['setup', 'remove'],
      ['setup', '--repair=always'],
    ]) {
      const refused = await as(CAROL, args[0] as string, ...args.slice(1), ...words);
      expect([refused.code, refused.stdout]).toEqual([77, '']);
      expect(refused.stderr).toContain('permission denied');
    }
    expect(footprint(place)).toEqual(before);
  });

  test('on a file system that cannot be written to: installed is as good, building says why not', async () => {
    const { words, place } = await scene();
    const cli = `exec "$0" "$@"`;
    const script = `mount --bind ${place} ${place} && mount -o remount,ro,bind ${place} && ${cli}`;
    const readOnly = (...args: string[]) => {
      const prefix = ['unshare', '--mount', 'sh', '-c', script];
      return runAs(undefined, '/', [...prefix, process.execPath, CLI, ...args]);
    };
    const before = footprint(place);
    const found = await readOnly('setup', ...words);
    expect([found.code, found.stderr]).toEqual([0, expect.stringMatching(/^holdfast: tool: cached: \S+\n$/)]);
    expect(found.stdout).toContain('TOOL_DIR');
    expect(await readOnly('setup', 'status', ...words)).toMatchObject({ code: 0 });
    const refused = await readOnly('setup', ...words, '--repair=always');
    expect(refused).toMatchObject({ code: 77, stdout: '' });
    expect(refused.stderr).toContain('its file system is read-only');
    expect(footprint(place)).toEqual(before);
  });
});
