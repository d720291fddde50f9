import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { isGone } from '../support/processes.js';
import {
  cleanEnvironment,
  cmakeProject,
  cmakeRecipe,
  commit,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  snapshot,
  startHoldfast,
  versionsOf,
  writeRecipe,
} from './fixture.js';

const DIE_AT = fileURLToPath(new URL('die-at.mjs', import.meta.url));

function scene(script = MAKE_ONE) {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), script));
  const installDir = join(directory, 'opt', 'script');
  return { directory, env, remote, recipe, installDir, args: ['setup', recipe, '--dir', installDir] };
}

/** Names in the parent of the install directory that only a run in progress may have there. */
function leftovers(installDir: string): string[] {
  return readdirSync(join(installDir, '..')).filter((name) => /\.(?:link|swap|download)$/.test(name));
}

/** A remote, its recipe, and a change to the remote that a new version shows. */
interface Project {
  readonly recipe: string;
  change(): void;
  /** What the version at NAME shows. */
  shown(installDir: string): string;
}

function byCMake(directory: string): Project {
  const remote = cmakeProject(directory);
  return {
    recipe: writeRecipe(directory, cmakeRecipe(remote, join(directory, 'counter'))),
    change: () =>
      void commit(remote, { 'alpha.c': 'int beta(void);\nint alpha(void) { return beta() + 5; }\n' }),
    shown: (installDir) => spawnSync(join(installDir, 'build/bin/answer'), { encoding: 'utf8' }).stdout,
  };
}

function byScript(directory: string): Project {
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'old\n' });
  return {
    recipe: writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE)),
    change: () => void commit(remote, { 'seed.txt': '7\n' }),
    shown: (installDir) => readFileSync(join(installDir, 'lib/libone.so'), 'utf8'),
  };
}

describe('kill -9', () => {
  test.each([
    ['prerequisites', byScript],
    ['clone', byScript],
    ['submodules', byCMake],
    ['build', byCMake],
    ['verify', byScript],
    ['sync', byScript],
    ['stamp', byScript],
    ['swap', byCMake],
    ['done', byScript],
  ])(
    'at %s: the old install is byte-identical, the next run completes, no staging is left',
    async (stage, project) => {
      const directory = testDirectory();
      const env = cleanEnvironment(directory);
      const { recipe, change, shown } = project(directory);
      const installDir = join(directory, 'opt', 'tool');
      const args = ['setup', recipe, '--dir', installDir];
      expect((await holdfast(args, env)).code).toBe(0);
      const old = currentOf(installDir);
      const before = snapshot(old);
      change();

      const killed = spawnSync(process.execPath, [DIE_AT, recipe, installDir, stage, 'update'], { env });
      expect(killed.signal).toBe('SIGKILL');
      if (stage !== 'done') expect(currentOf(installDir)).toBe(old);
      expect(snapshot(old)).toEqual(before);

      const next = await holdfast([...args, '--update'], env);
      expect(next.code, next.stderr).toBe(0);
      expect(shown(installDir)).toBe('7\n');
      // The version before stays for those who use its exports.
      expect(versionsOf(installDir)).toHaveLength(2);
      expect(snapshot(old)).toEqual(before);
      expect(leftovers(installDir)).toEqual([]);
    },
  );

  test('with nothing installed before: NAME never appears, the next run completes', async () => {
    const { recipe, installDir, args, env } = scene();
    for (const stage of ['clone', 'build', 'stamp', 'swap']) {
      const killed = spawnSync(process.execPath, [DIE_AT, recipe, installDir, stage], { env });
      expect(killed.signal).toBe('SIGKILL');
      expect(existsSync(installDir)).toBe(false);
    }
    expect((await holdfast(args, env)).code).toBe(0);
    expect(versionsOf(installDir)).toHaveLength(1);
  });

  test('what the killed run had started is ended before its tree is removed', async () => {
    const endless =
      'if [ -e ../../../again ]; then ' +
      MAKE_ONE +
      '; else setsid sleep 300 & echo $! > ../../../pid; echo started; sleep 300; fi';
    const { directory, recipe, installDir, args, env } = scene(endless);
    const killed = spawnSync(process.execPath, [DIE_AT, recipe, installDir, 'started'], { env });
    expect(killed.signal).toBe('SIGKILL');
    const pid = Number(readFileSync(join(directory, 'pid'), 'utf8'));
    expect(isGone(pid)).toBe(false);
    writeFileSync(join(directory, 'again'), '');
    expect((await holdfast(args, env)).code).toBe(0);
    expect(isGone(pid)).toBe(true);
    expect(versionsOf(installDir)).toHaveLength(1);
  });

  test('at any moment, many times: there is always a whole install', async () => {
    const { remote, installDir, args, env } = scene(`${MAKE_ONE} && cp seed.txt lib/second`);
    const startedAt = performance.now();
    expect((await holdfast(args, env)).code).toBe(0);
    const wholeMs = performance.now() - startedAt;
    for (let round = 1; round <= 8; round++) {
      commit(remote, { 'seed.txt': `round ${round}\n` });
      const run = startHoldfast([...args, '--update'], env);
      // A moment that moves through the whole run; which one it is, is not to matter.
      await new Promise((later) => setTimeout(later, (wholeMs * (round + 1)) / 9));
      run.kill();
      await run.finished;
      const whole = readFileSync(join(installDir, 'lib/libone.so'), 'utf8');
      expect(readFileSync(join(installDir, 'lib/second'), 'utf8')).toBe(whole);
    }
    const last = await holdfast([...args, '--update'], env);
    expect(last.code, last.stderr).toBe(0);
    expect(readFileSync(join(installDir, 'lib/libone.so'), 'utf8')).toBe('round 8\n');
    for (const id of versionsOf(installDir))
      expect(existsSync(join(`${installDir}.versions`, id, '.holdfast-stamp.json')), id).toBe(true);
    expect(leftovers(installDir)).toEqual([]);
  });
});

describe('a run killed while it replaced a real directory at NAME', () => {
  /** As it is after an install over a directory of the user's, which had one file. */
  async function replaced() {
    const at = scene();
    mkdirSync(at.installDir, { recursive: true });
    writeFileSync(join(at.installDir, 'mine'), 'precious');
    const result = await holdfast(at.args, at.env);
    expect(result.code, result.stderr).toBe(0);
    const parent = join(at.installDir, '..');
    const aside = readdirSync(parent).filter((name) => name.includes('.replaced-'));
    expect(aside).toHaveLength(1);
    expect(result.stderr).toContain(`is kept as "${join(parent, aside[0] as string)}"`);
    return { ...at, parent, aside: join(parent, aside[0] as string) };
  }

  test('before: the link that was made is removed', async () => {
    const { args, env, parent, installDir } = await replaced();
    symlinkSync('script.versions/gone', join(parent, '.script.link'));
    expect((await holdfast(args, env)).code).toBe(0);
    expect(leftovers(installDir)).toEqual([]);
  });

  test('after the exchange: the directory gets its own name', async () => {
    const { args, env, parent, aside, installDir } = await replaced();
    renameSync(aside, join(parent, '.script.link'));
    const result = await holdfast(args, env);
    expect(result.code).toBe(0);
    const kept = readdirSync(parent).find((name) => name.includes('.replaced-')) as string;
    expect(readFileSync(join(parent, kept, 'mine'), 'utf8')).toBe('precious');
    expect(leftovers(installDir)).toEqual([]);
  });

  test('between the two renames: the directory comes back first', async () => {
    const { args, env, parent, aside, installDir } = await replaced();
    rmSync(installDir);
    renameSync(aside, join(parent, '.script.swap'));
    const offline = await holdfast([...args, '--offline'], env);
    expect(offline).toMatchObject({ code: 20, stdout: '' });
    expect(readFileSync(join(installDir, 'mine'), 'utf8')).toBe('precious');
    expect(offline.stderr).toContain('was put back');
    expect((await holdfast(args, env)).code).toBe(0);
    expect(lstatSync(installDir).isSymbolicLink()).toBe(true);
    expect(leftovers(installDir)).toEqual([]);
  });

  test('after the two renames: the directory gets its own name', async () => {
    const { args, env, parent, aside, installDir } = await replaced();
    renameSync(aside, join(parent, '.script.swap'));
    expect((await holdfast(args, env)).code).toBe(0);
    const kept = readdirSync(parent).find((name) => name.includes('.replaced-')) as string;
    expect(readFileSync(join(parent, kept, 'mine'), 'utf8')).toBe('precious');
    expect(leftovers(installDir)).toEqual([]);
  });
});
