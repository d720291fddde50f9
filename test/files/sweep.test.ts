import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { sweepOrphans } from '../../src/files/sweep.js';
import { newTempName, parseTempName } from '../../src/files/temp-name.js';
import { ownIdentity } from '../../src/platform/identity.js';
import { testDirectory } from '../support/directory.js';
import { eventually, start, type TestChild } from '../support/processes.js';

const WRITE_ONCE = new URL('../durable/fixtures/write-once.mjs', import.meta.url).pathname;
const STOPPED_WRITER = new URL('../durable/fixtures/stopped-writer.mjs', import.meta.url).pathname;

const NAMESPACES: [name: string, command: readonly string[]][] = [
  ['in this pid namespace', []],
  ['in another pid namespace', ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']],
];

async function stoppedWriter(
  kind: string,
  wrapper: readonly string[],
  path: string,
): Promise<{ child: TestChild; temp: string }> {
  const words = [...wrapper, process.execPath, STOPPED_WRITER, kind, path];
  const child = start(words[0] as string, words.slice(1));
  const [, temp] = (await child.line(/^prepared (.*)$/)) as unknown as [string, string];
  return { child, temp };
}

describe.each(NAMESPACES)('a writer %s', (_name, wrapper) => {
  describe.each([['native'], ['plain']])('with the %s writer', (kind) => {
    test('keeps its temp through a sweep as long as it lives, and finishes', async () => {
      const path = join(testDirectory(), 'f');
      const { child, temp } = await stoppedWriter(kind, wrapper, path);
      expect(await sweepOrphans(join(path, '..'))).toEqual([]);
      expect(existsSync(temp)).toBe(true);
      child.process.stdin?.write('go\n');
      await child.line(/^done$/);
      expect(readFileSync(path, 'utf8')).toBe('new');
    });

    test('when it is killed, leaves its temp to the sweep where its death can be proven', async () => {
      const path = join(testDirectory(), 'f');
      const { child, temp } = await stoppedWriter(kind, wrapper, path);
      process.kill(-child.pid, 'SIGKILL');
      await child.exited;
      // Without a lock on it, a temp of another namespace may be anybody's: nothing here can look for its writer.
      const isProvable = kind === 'native' || wrapper.length === 0;
      expect(await sweepOrphans(join(path, '..'))).toEqual(isProvable ? [temp] : []);
      expect(existsSync(temp)).toBe(!isProvable);
    });
  });
});

test('a temp of an earlier boot goes: nobody of that boot writes any more', async () => {
  const directory = testDirectory();
  const name = newTempName('f', false).replace(/-[0-9a-f]{8}-(?=[a-z2-7]{26})/, '-00000000-');
  writeFileSync(join(directory, name), 'x');
  expect(await sweepOrphans(directory)).toEqual([join(directory, name)]);
});

test('what is not a temp of ours stays: other names, links, directories', async () => {
  const directory = testDirectory();
  const dead = newTempName('f', true);
  writeFileSync(join(directory, 'precious'), 'x');
  writeFileSync(join(directory, '.f.holdfast-tmp'), 'x');
  writeFileSync(join(directory, dead.slice(1)), 'x');
  symlinkSync('precious', join(directory, newTempName('f', true)));
  mkdirSync(join(directory, newTempName('f', true)));
  expect(await sweepOrphans(directory)).toEqual([]);
  expect(readdirSync(directory)).toHaveLength(5);
  expect(readFileSync(join(directory, 'precious'), 'utf8')).toBe('x');
});

test('a sweep between the creation of a temp and its lock makes the writer start over, not fail', async () => {
  const directory = testDirectory();
  const path = join(directory, 'f');
  // The interleaving, forced: the writer's first flock is held up, so that the sweep meets a temp without a lock.
  const delay = [
    '-f',
    '-qq',
    '-o',
    join(directory, 'log'),
    '-e',
    'trace=flock',
    '-e',
    'inject=flock:delay_enter=700ms:when=1',
  ];
  const child = start('strace', [...delay, process.execPath, WRITE_ONCE, 'native', path, 'new']);
  const findTemp = (): string | undefined =>
    readdirSync(directory).find((name) => parseTempName(name) !== undefined);
  const temp = await eventually('a temp appears', findTemp);
  expect(await sweepOrphans(directory)).toEqual([join(directory, temp)]);
  expect((await child.exited).code).toBe(0);
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(findTemp()).toBeUndefined();
});

test('the name of a temp says who writes it, and no other name is read as one', () => {
  const own = ownIdentity();
  const owner = parseTempName(newTempName('state.json', true));
  expect(owner).toMatchObject({
    isLocked: true,
    pid: own.pid,
    startTime: own.startTime,
    pidNamespace: own.pidNamespace,
  });
  expect(parseTempName(newTempName('a.b-c', false))?.isLocked).toBe(false);
  for (const name of ['state.json', '.state.json.holdfast-tmp', 'x.l-1-1-1-1-aa-b.holdfast-tmp', '']) {
    expect(parseTempName(name)).toBeUndefined();
  }
});
