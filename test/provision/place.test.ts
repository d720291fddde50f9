import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { placeOf } from '../../src/provision/place.js';
import type { Recipe } from '../../src/provision/recipe.js';
import { installDirOfVersion } from '../../src/provision/layout.js';
import { testDirectory } from '../support/directory.js';
import {
  cleanEnvironment,
  commit,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  writeRecipe,
} from './fixture.js';

const TOOL: Recipe = {
  name: 'my.tool',
  source: { git: 'https://example.org/x' },
  steps: [],
  artifacts: [
    { name: 'a', files: ['liba.so'] },
    { name: 'b', files: ['libb.so'] },
  ],
  search: ['build/lib', 'build'],
};

function toolchain(files: readonly string[]): string {
  const directory = testDirectory();
  for (const file of files) {
    mkdirSync(join(directory, file, '..'), { recursive: true });
    writeFileSync(join(directory, file), 'x');
  }
  return directory;
}

const placeIn = (env: NodeJS.ProcessEnv, dir?: string) => placeOf(TOOL, dir, { HOME: '/home/me', ...env });

test('by default below XDG_DATA_HOME, else ~/.local/share; --dir wins over everything', async () => {
  expect(await placeIn({})).toMatchObject({
    layout: { installDir: '/home/me/.local/share/holdfast/my.tool' },
  });
  expect(await placeIn({ XDG_DATA_HOME: '/data' })).toMatchObject({
    layout: { installDir: '/data/holdfast/my.tool', lockPath: '/data/holdfast/.my.tool.lock' },
    chosenBy: 'default',
  });
  const own = toolchain(['build/liba.so', 'build/libb.so']);
  expect(await placeIn({ MY_TOOL_DIR: own }, '/here/x')).toMatchObject({
    layout: { installDir: '/here/x' },
    chosenBy: '--dir',
  });
});

test('{NAME}_DIR: a finished toolchain is used as it is, what is free is where to install, anything else is refused', async () => {
  const whole = toolchain(['build/lib/liba.so', 'build/lib/libb.so']);
  expect(await placeIn({ MY_TOOL_DIR: whole })).toMatchObject({
    kind: 'provided',
    dir: whole,
    chosenBy: 'MY_TOOL_DIR',
  });
  const free = join(testDirectory(), 'new');
  expect(await placeIn({ MY_TOOL_DIR: free })).toMatchObject({
    kind: 'managed',
    layout: { installDir: free },
  });
  expect(await placeIn({ MY_TOOL_DIR: testDirectory() })).toMatchObject({ kind: 'managed' });
  const half = toolchain(['build/lib/liba.so']);
  await expect(placeIn({ MY_TOOL_DIR: half })).rejects.toMatchObject({
    code: 'HOLDFAST_CONFIG_MISMATCH',
    message: expect.stringMatching(
      /MY_TOOL_DIR names a toolchain of yours, but "b" \(libb\.so\) is missing; looked in ".*build\/lib", ".*build"/,
    ) as string,
  });
});

test('{NAME}_LIBDIR: all artifacts are there, or it is refused', async () => {
  const libraries = toolchain(['liba.so', 'libb.so']);
  expect(await placeIn({ MY_TOOL_LIBDIR: libraries })).toMatchObject({ kind: 'provided', dir: undefined });
  await expect(placeIn({ MY_TOOL_LIBDIR: testDirectory() })).rejects.toMatchObject({
    code: 'HOLDFAST_CONFIG_MISMATCH',
  });
});

test('what our own exports have set leads back to the install directory', async () => {
  const place = await placeIn({
    MY_TOOL_DIR: '/data/t.versions/v1',
    MY_TOOL_LIBDIR: '/data/t.versions/v1/build/lib',
  });
  expect(place).toMatchObject({ kind: 'managed', layout: { installDir: '/data/t' } });
  expect(installDirOfVersion('/a/b.versions')).toBeUndefined();
  expect(installDirOfVersion('/a/.versions/x')).toBeUndefined();
});

test('the command, in a shell that evaluated its exports before: the same place, and an update gets through', async () => {
  const directory = testDirectory();
  const env = cleanEnvironment(directory);
  const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
  const recipe = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
  expect((await holdfast(['setup', recipe], env)).code).toBe(0);
  const installDir = join(directory, '.local/share/holdfast/script');
  const first = currentOf(installDir);
  const evaluated = {
    ...env,
    SCRIPT_DIR: first,
    SCRIPT_LIBDIR: `${first}/lib`,
    LD_LIBRARY_PATH: `${first}/lib`,
  };
  commit(remote, { 'seed.txt': 'two\n' });
  const result = await holdfast(['setup', recipe, '--update', '--emit=json'], evaluated);
  expect(result.code, result.stderr).toBe(0);
  const second = currentOf(installDir);
  expect(second).not.toBe(first);
  expect(JSON.parse(result.stdout)).toEqual({
    SCRIPT_DIR: second,
    SCRIPT_LIBDIR: `${second}/lib`,
    LD_LIBRARY_PATH: `${second}/lib:${first}/lib`,
  });
});

test('a provided toolchain: its exports, without network, lock or change', async () => {
  const directory = testDirectory();
  const recipe = writeRecipe(directory, scriptRecipe('/nowhere', join(directory, 'counter'), MAKE_ONE));
  const own = toolchain(['lib/libone.so']);
  const env = cleanEnvironment(directory, { SCRIPT_DIR: own });
  const result = await holdfast(['setup', recipe], env);
  expect(result).toMatchObject({ code: 0 });
  expect(result.stdout).toContain(`export SCRIPT_DIR='${own}';`);
  expect(result.stderr).toContain('SCRIPT_DIR names a toolchain of yours');
  expect(await holdfast(['setup', 'remove', recipe], env)).toMatchObject({ code: 78, stdout: '' });
});
