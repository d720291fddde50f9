import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

import { ALICE, BOB, holdfastAs, placeOf } from './people.js';

const ROOT = { uid: 0, gid: 0 };
const BUILD = {
  steps: [{ name: 'build', command: 'cp', arguments: ['lib.txt', 'liba.so'] }],
  artifacts: [{ name: 'liba', files: ['liba.so'] }],
  search: ['.'],
};

function recipe(place: string, source: object): string[] {
  writeFileSync(join(place, 'alpha.json'), JSON.stringify({ name: 'alpha', source, ...BUILD }));
  return ['setup', './alpha.json', '--dir', join(place, 'opt/alpha')];
}

function gitSource(place: string): { git: string } {
  const git = join(place, 'src');
  execFileSync('git', ['init', '-q', git]);
  writeFileSync(join(git, 'lib.txt'), '1\n');
  commit(git);
  return { git };
}

function commit(git: string): void {
  execFileSync('git', ['-C', git, 'add', '.']);
  execFileSync('git', [
    ...['-C', git, '-c', 'user.email=a@example.org', '-c', 'user.name=a'],
    ...['commit', '-qm', 'x'],
  ]);
}

async function serve(body: Buffer): Promise<string> {
  const server = createServer((_request, response) => response.end(body));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/alpha.tar`;
}

test('an archive that root unpacks brings no set-user-ID bits and nothing that every user may write', async () => {
  const place = placeOf(ROOT, 0o755);
  mkdirSync(join(place, 'alpha-1/bin'), { recursive: true });
  writeFileSync(join(place, 'alpha-1/lib.txt'), '1\n');
  writeFileSync(join(place, 'alpha-1/bin/tool'), '#!/bin/sh\n');
  chmodSync(join(place, 'alpha-1/bin/tool'), 0o6777);
  chmodSync(join(place, 'alpha-1/bin'), 0o2777);
  execFileSync('tar', ['-cf', 'alpha.tar', 'alpha-1'], { cwd: place });
  const archive = readFileSync(join(place, 'alpha.tar'));
  const sha256 = createHash('sha256').update(archive).digest('hex');

  const ended = await holdfastAs(undefined, place, recipe(place, { archive: await serve(archive), sha256 }));

  expect(ended).toMatchObject({ code: 0 });
  const mode = (name: string): number => statSync(join(place, 'opt/alpha', name)).mode & 0o7777;
  expect(mode('bin/tool')).toBe(0o755);
  expect(mode('bin')).toBe(0o755);
});

test('a source whose stamp is a link does not have a file outside overwritten', async () => {
  const place = placeOf(ROOT, 0o755);
  const victim = join(place, 'victim');
  writeFileSync(victim, 'precious\n');
  const source = gitSource(place);
  symlinkSync(victim, join(source.git, '.holdfast-stamp.json'));
  commit(source.git);

  expect(await holdfastAs(undefined, place, recipe(place, source))).toMatchObject({ code: 0 });

  expect(readFileSync(victim, 'utf8')).toBe('precious\n');
});

test.each([
  ['the log of the build', '.alpha.log', 0],
  ['the directory of versions', 'alpha.versions', 77],
])('%s that another user has linked elsewhere is not followed', async (_what, name, code) => {
  const place = placeOf(ROOT, 0o755);
  const source = gitSource(place);
  const victim = placeOf(ALICE, 0o755);
  writeFileSync(join(victim, 'file'), 'precious\n');
  mkdirSync(join(place, 'opt'), { mode: 0o777 });
  chmodSync(join(place, 'opt'), 0o777);
  symlinkSync(name === '.alpha.log' ? join(victim, 'file') : victim, join(place, 'opt', name));

  const ended = await holdfastAs(undefined, place, recipe(place, source));

  expect(ended).toMatchObject({ code });
  if (code !== 0)
    expect(
      (
        await holdfastAs(undefined, place, [
          'setup',
          'remove',
          './alpha.json',
          '--dir',
          join(place, 'opt/alpha'),
        ])
      ).code,
    ).toBe(code);
  expect(readFileSync(join(victim, 'file'), 'utf8')).toBe('precious\n');
  expect(execFileSync('ls', ['-A', victim], { encoding: 'utf8' })).toBe('file\n');
});

test('a toolchain that root updates goes on working for its users', async () => {
  const place = placeOf(ROOT, 0o755);
  const source = gitSource(place);
  const setup = recipe(place, source);
  expect(await holdfastAs(undefined, place, setup)).toMatchObject({ code: 0 });
  expect(await holdfastAs(BOB, place, setup)).toMatchObject({ code: 0 });
  const before = readlinkSync(join(place, 'opt/alpha'));
  writeFileSync(join(source.git, 'lib.txt'), '2\n');
  commit(source.git);

  expect(await holdfastAs(undefined, place, [...setup, '--update'])).toMatchObject({ code: 0 });

  expect(readlinkSync(join(place, 'opt/alpha'))).not.toBe(before);
  expect(await holdfastAs(BOB, place, setup)).toMatchObject({ code: 0 });
});
