import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { layoutOf } from '../../src/provision/layout.js';
import { switchTo } from '../../src/provision/versions.js';
import { testDirectory } from '../support/directory.js';
import { dataOf } from '../support/holdfast.js';
import { start } from '../support/processes.js';
import {
  cleanEnvironment,
  commit,
  countOf,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  startHoldfast,
  versionsOf,
  writeRecipe,
} from './fixture.js';

function scene() {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const counter = join(directory, 'counter');
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = scriptRecipe(remote, counter, MAKE_ONE);
  const path = writeRecipe(directory, recipe);
  const installDir = join(directory, 'opt', 'script');
  const args = ['setup', path, '--dir', installDir];
  const setup = async (...more: string[]) => {
    const result = await holdfast([...args, ...more], env);
    expect(result.code, result.stderr).toBe(0);
    return result;
  };
  return { directory, env, counter, remote, recipe, path, installDir, args, setup };
}

describe('update', () => {
  test('builds again only when the remote has moved', async () => {
    const { counter, remote, setup, installDir } = scene();
    await setup();
    expect((await setup('--update')).stderr).toContain('script: cached');
    expect(countOf(counter)).toBe(1);
    commit(remote, { 'seed.txt': 'two\n' });
    expect((await setup()).stderr).toContain('script: cached');
    expect((await setup('--update', '--offline')).stderr).toContain('script: cached');
    expect((await setup('--update')).stderr).toContain('script: updated');
    expect(countOf(counter)).toBe(2);
    expect(readFileSync(join(installDir, 'lib/libone.so'), 'utf8')).toBe('two\n');
  });

  test('exports name the version: an old shell keeps what it has while the update goes on and after it', async () => {
    const { remote, setup, installDir, args, env } = scene();
    const { stdout: oldExports } = await setup();
    const use = () =>
      execFileSync('sh', ['-c', `${oldExports} cat "$SCRIPT_LIBDIR/libone.so"`], { encoding: 'utf8', env });
    for (let round = 0; round < 3; round++) {
      commit(remote, { 'seed.txt': `round ${round}\n` });
      const update = startHoldfast([...args, '--update', '--repair=auto'], env);
      let hasEnded = false;
      void update.finished.then(() => (hasEnded = true));
      let looks = 0;
      while (!hasEnded) {
        // By NAME there is always a whole version, the old or the new one; never nothing.
        expect(readFileSync(join(installDir, 'lib/libone.so'), 'utf8')).toMatch(/^(?:one|round \d)\n$/);
        if (round === 0) expect(use()).toBe('one\n');
        looks++;
        await new Promise((later) => setImmediate(later));
      }
      expect(looks).toBeGreaterThan(5);
      expect((await update.finished).code).toBe(0);
      if (round === 0) expect(use()).toBe('one\n');
    }
    expect(versionsOf(installDir)).toHaveLength(4);
  });

  test('versions stay for seven days after another took their place, the previous one for good', async () => {
    const { remote, setup, installDir } = scene();
    const made: string[] = [];
    const update = async (text: string): Promise<void> => {
      commit(remote, { 'seed.txt': text });
      await setup('--update');
      made.push(currentOf(installDir));
    };
    for (const text of ['1\n', '2\n', '3\n']) await update(text);
    expect(made.map((dir) => existsSync(dir))).toEqual([true, true, true]);
    const weekAgo = Date.now() - 7 * 86_400_000 - 1;
    for (const dir of made.slice(0, 2)) writeFileSync(`${dir}.retired`, String(weekAgo));
    await update('4\n');
    expect(made.map((dir) => existsSync(dir))).toEqual([false, false, true, true]);
  });

  test('a version that a living process names in its environment is not removed', async () => {
    const { remote, setup, installDir } = scene();
    await setup();
    const old = currentOf(installDir);
    const user = start('sleep', ['60'], { env: { ...process.env, TOOL_LIB: `${old}/lib` } });
    for (const text of ['2\n', '3\n', '4\n']) {
      commit(remote, { 'seed.txt': text });
      await setup('--update');
      writeFileSync(`${old}.retired`, '1');
    }
    expect(existsSync(old)).toBe(true);
    user.process.kill('SIGKILL');
    await user.exited;
    await setup('--update');
    expect(existsSync(old)).toBe(false);
  });

  test('while an update builds, everybody else gets the installed version at once', async () => {
    const { remote, setup, installDir, recipe, directory, env, args, counter } = scene();
    const gate = join(directory, 'gate');
    const command = `if [ -e ${gate}.on ]; then until [ -e ${gate} ]; do sleep 0.02; done; fi; ${MAKE_ONE}`;
    const steps = [{ name: 'make', command: 'sh', arguments: ['-c', command], env: { COUNTER: counter } }];
    writeRecipe(directory, { ...recipe, steps });
    await setup();
    const old = currentOf(installDir);
    commit(remote, { 'seed.txt': '2\n' });
    writeFileSync(`${gate}.on`, '');
    const update = startHoldfast([...args, '--update'], env);
    await update.says(/building \(make\)/);
    for (const flag of ['--no-wait', '--offline']) expect((await setup(flag)).stdout).toContain(old);
    writeFileSync(gate, '');
    expect((await update.finished).code).toBe(0);
    expect((await setup()).stdout).not.toContain(old);
  });

  test('rollback returns to the version before, and update goes forward again', async () => {
    const { remote, setup, installDir, path, env, directory } = scene();
    await setup();
    const first = currentOf(installDir);
    commit(remote, { 'seed.txt': '2\n' });
    await setup('--update');
    const second = currentOf(installDir);
    const roll = (...more: string[]) =>
      holdfast(['setup', 'rollback', path, '--dir', installDir, ...more], env);
    expect(await roll('--json')).toMatchObject({ code: 0 });
    expect(currentOf(installDir)).toBe(first);
    expect((await setup()).stdout).toContain(first);
    expect(await roll()).toMatchObject({ code: 78, stdout: '' });
    expect(await roll('--to', second.split('/').at(-1) as string)).toMatchObject({ code: 0 });
    expect(currentOf(installDir)).toBe(second);
    expect(await roll('--to', '../../etc')).toMatchObject({ code: 78 });
    expect(existsSync(join(directory, 'counter'))).toBe(true);
  });
});

describe('repair', () => {
  test('a damaged artifact is built again by itself; never with --repair=never; a whole one only with always', async () => {
    const { counter, setup, installDir, args, env } = scene();
    await setup();
    const library = join(currentOf(installDir), 'lib/libone.so');
    await setup('--repair=never');
    await setup('--repair=always');
    expect(countOf(counter)).toBe(2);
    writeFileSync(join(currentOf(installDir), 'lib/libone.so'), 'ONE\n');
    const never = await holdfast([...args, '--repair=never'], env);
    expect(never).toMatchObject({ code: 70, stdout: '' });
    expect(never.stderr).toContain('"libone" was changed after it was built');
    expect((await setup()).stderr).toContain('building again: "libone" was changed');
    expect(countOf(counter)).toBe(3);
    // The old versions stay for those who use them.
    expect(existsSync(library)).toBe(true);
  });

  test('another recipe of the same name is another toolchain; other exports are not', async () => {
    const { counter, recipe, directory, setup } = scene();
    await setup();
    writeRecipe(directory, { ...recipe, exports: [{ variable: 'ONLY_THIS', value: '{libdir}/libone.so' }] });
    const renamed = await setup();
    expect(renamed.stdout).toMatch(/^export ONLY_THIS='.*\/lib\/libone\.so';\n$/);
    expect(countOf(counter)).toBe(1);
    writeRecipe(directory, { ...recipe, search: ['other', 'lib'] });
    await setup();
    expect(countOf(counter)).toBe(2);
  });

  test('--ref asks for that ref; without it any installed one will do', async () => {
    const { counter, remote, setup, args, env } = scene();
    execFileSync('git', ['-C', remote, 'tag', 'v1']);
    commit(remote, { 'seed.txt': 'two\n' });
    await setup('--ref', 'v1');
    await setup();
    await setup('--ref', 'v1');
    expect(countOf(counter)).toBe(1);
    await setup('--ref', 'main');
    expect(countOf(counter)).toBe(2);
    const wrong = await holdfast([...args, '--ref', 'v9'], env);
    expect(wrong).toMatchObject({ code: 20, stdout: '' });
  });

  test('--offline with nothing installed: exit 20', async () => {
    const { args, env } = scene();
    const result = await holdfast([...args, '--offline'], env);
    expect(result).toMatchObject({ code: 20, stdout: '' });
    expect(result.stderr).toContain('nothing is installed, and the network may not be used');
  });
});

describe('what stands at NAME', () => {
  test("an empty directory gives way; a link of the user's is replaced and told", async () => {
    const { installDir, setup, directory } = scene();
    mkdirSync(installDir, { recursive: true });
    await setup();
    expect(readdirSync(join(installDir, '..')).filter((name) => name.includes('replaced'))).toEqual([]);
    const other = join(directory, 'elsewhere', 'script');
    mkdirSync(join(directory, 'elsewhere'));
    symlinkSync('/usr', other);
    const told = await setup('--dir', other);
    expect(told.stderr).toContain(`"${other}" was a link to "/usr"`);
    expect(existsSync('/usr/bin')).toBe(true);
  });

  test.each([
    ['in one step', (a: string, b: string) => execFileSync('mv', ['-T', a, `${a}.x`]) && exchange(a, b)],
    ['by two renames where that is not possible', undefined],
  ])("a directory of the user's changes places with the link %s, and is kept", async (_, swap) => {
    const directory = testDirectory();
    const layout = layoutOf(join(directory, 'tool'));
    mkdirSync(layout.installDir);
    writeFileSync(join(layout.installDir, 'mine'), 'precious');
    mkdirSync(join(layout.versionsDir, 'v1'), { recursive: true });
    const notice = await switchTo(layout, 'v1', 0, swap);
    expect(currentOf(layout.installDir)).toBe(join(layout.versionsDir, 'v1'));
    const kept = readdirSync(directory).find((name) => name.startsWith('tool.replaced-')) as string;
    expect(notice).toContain(kept);
    expect(readFileSync(join(directory, kept, 'mine'), 'utf8')).toBe('precious');
    expect(readdirSync(directory).toSorted()).toEqual(['tool', kept, 'tool.versions']);
  });
});

/** In place of renameat2: what it leaves, not how. `a` was moved to `a.x` already. */
function exchange(a: string, b: string): boolean {
  execFileSync('mv', ['-T', b, a]);
  execFileSync('mv', ['-T', `${a}.x`, b]);
  return true;
}

describe('status, path, list, remove', () => {
  test('before, after, broken, and gone', async () => {
    const { path, installDir, env, setup } = scene();
    const ask = (...words: string[]) => holdfast(['setup', ...words, path, '--dir', installDir], env);
    expect(await ask('status')).toMatchObject({
      code: 69,
      stdout: expect.stringContaining('script: absent'),
    });
    expect(await ask('path')).toMatchObject({ code: 69, stdout: '' });
    await setup();
    expect((await ask('path')).stdout).toBe(`${currentOf(installDir)}\n`);
    expect((await ask('path', '--libdir')).stdout).toBe(`${currentOf(installDir)}/lib\n`);
    const status = await ask('status', '--json');
    expect(dataOf<{ toolchains: object[] }>(status.stdout).toolchains).toMatchObject([
      { recipe: 'script', state: 'installed', dir: currentOf(installDir), holders: [] },
    ]);
    writeFileSync(join(installDir, 'lib/libone.so'), '');
    expect(await ask('status')).toMatchObject({
      code: 69,
      stdout: expect.stringContaining('script: broken'),
    });
    expect(await ask('remove')).toMatchObject({ code: 0, stdout: '' });
    expect(readdirSync(join(installDir, '..'))).toEqual(['.script.lock']);
    expect((await ask('remove')).stderr).toContain('nothing to remove');
  });

  test('an install that is going on is shown, and removal waits for it', async () => {
    const { recipe, directory, installDir, env } = scene();
    const gate = join(directory, 'gate');
    const steps = [
      {
        name: 'wait',
        command: 'sh',
        arguments: ['-c', `until [ -e ${gate} ]; do sleep 0.02; done; ${MAKE_ONE}`],
      },
    ];
    const path = writeRecipe(directory, { ...recipe, steps });
    const place = [path, '--dir', installDir];
    const run = startHoldfast(['setup', ...place], env);
    await run.says(/building \(wait\)/);
    const status = await holdfast(['setup', 'status', ...place], env);
    expect(status.stdout).toMatch(new RegExp(`installing +pid ${run.pid} `));
    expect(await holdfast(['setup', 'remove', '--no-wait', ...place], env)).toMatchObject({ code: 75 });
    const removal = startHoldfast(['setup', 'remove', ...place], env);
    await removal.says(/waiting for "script"/);
    writeFileSync(gate, '');
    expect((await run.finished).code).toBe(0);
    expect((await removal.finished).code).toBe(0);
    expect(versionsOf(installDir)).toEqual([]);
  });

  test("a directory of the user's is not removed", async () => {
    const { path, installDir, env } = scene();
    mkdirSync(installDir, { recursive: true });
    writeFileSync(join(installDir, 'mine'), 'precious');
    expect((await holdfast(['setup', 'remove', path, '--dir', installDir], env)).code).toBe(0);
    expect(readFileSync(join(installDir, 'mine'), 'utf8')).toBe('precious');
  });

  test('list names the built-in recipes and where they would be', async () => {
    const { env, directory } = scene();
    const { stdout } = await holdfast(['setup', 'list', '--json'], env);
    expect(dataOf<{ recipes: object[] }>(stdout).recipes).toMatchObject([
      { name: 'llama.cpp', state: 'absent', installDir: join(directory, '.local/share/holdfast/llama.cpp') },
      { name: 'bitnet.cpp', state: 'absent' },
    ]);
  });
});
