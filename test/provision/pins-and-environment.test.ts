import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { killAfterTest } from '../support/processes.js';
import {
  cleanEnvironment,
  commit,
  countOf,
  currentOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
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

describe('holdfast-setup.lock', () => {
  const pinsOf = (directory: string) =>
    JSON.parse(readFileSync(join(directory, 'holdfast-setup.lock'), 'utf8')) as {
      recipes: Record<string, { revision: string }>;
    };

  test('another machine installs the pinned revision, until --update', async () => {
    const { remote, setup, directory, path, env } = scene();
    await setup();
    const head = () => execFileSync('git', ['-C', remote, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim();
    const first = head();
    expect(pinsOf(directory).recipes['script']?.revision).toBe(first);
    commit(remote, { 'seed.txt': 'two\n' });
    const elsewhere = join(directory, 'machine2', 'script');
    expect(await holdfast(['setup', path, '--dir', elsewhere, '--locked'], env)).toMatchObject({ code: 0 });
    expect(readFileSync(join(elsewhere, 'lib/libone.so'), 'utf8')).toBe('one\n');
    await setup('--update');
    expect(pinsOf(directory).recipes['script']?.revision).toBe(head());
    await holdfast(['setup', path, '--dir', elsewhere], env);
    expect(readFileSync(join(elsewhere, 'lib/libone.so'), 'utf8')).toBe('two\n');
  });

  test('--locked without a pin fails with 78, a lock file of another format with 65, and nothing is lost', async () => {
    const { args, env, directory, counter } = scene();
    expect(await holdfast([...args, '--locked'], env)).toMatchObject({ code: 78, stdout: '' });
    const file = join(directory, 'holdfast-setup.lock');
    writeFileSync(file, '{"format":9}');
    expect(await holdfast(args, env)).toMatchObject({ code: 65, stdout: '' });
    expect(readFileSync(file, 'utf8')).toBe('{"format":9}');
    expect(existsSync(counter)).toBe(false);
  });
});

test('a recipe of your own is known by its name once it is installed; its programs are on PATH', async () => {
  const { directory, env, recipe, counter } = scene();
  const make = `mkdir -p bin lib && printf '#!/bin/sh\\necho run' > bin/tool && chmod +x bin/tool && echo x > lib/libone.so`;
  const own = {
    ...recipe,
    name: '7tool',
    steps: [{ name: 'make', command: 'sh', arguments: ['-c', make], env: { COUNTER: counter } }],
    artifacts: [
      { name: 'tool', files: ['bin/tool'] },
      { name: 'libone', files: ['lib/libone.so'] },
    ],
    search: ['.'],
  };
  const { stdout, stderr } = await holdfast(['setup', writeRecipe(directory, own)], env);
  const script = `${stdout} tool; tool; echo "$_7TOOL_DIR"`;
  const output = execFileSync('sh', ['-c', `${stdout} ${script}`], { encoding: 'utf8', env });
  const dir = currentOf(join(directory, '.local/share/holdfast/7tool'));
  expect(output, stderr).toBe(`run\nrun\n${dir}\n`);
  expect((await holdfast(['setup', 'path', '7tool'], env)).stdout).toBe(`${dir}\n`);
  expect((await holdfast(['setup', 'list'], env)).stdout).toMatch(/^7tool +installed/m);
  expect((await holdfast(['setup', 'list', '--all'], env)).stdout).toMatch(/^ {2}\* \d{8}-/m);
  expect((await holdfast(['setup', 'status'], env)).stdout).toContain('7tool: installed');
  expect(await holdfast(['setup', 'remove', '7tool'], env)).toMatchObject({ code: 0 });
});

describe('what steps see', () => {
  test('poison in the environment: of git, loaders, make and prompts nothing; of compilers what is hashed', async () => {
    const { recipe, directory, setup, installDir, args, env, counter } = scene();
    const steps = [
      {
        name: 'env',
        command: 'sh',
        arguments: ['-c', `env > seen; ${MAKE_ONE}`],
        env: { COUNTER: counter },
      },
    ];
    writeRecipe(directory, { ...recipe, steps, environment: ['MY_SETTING'] });
    const poison = [
      ...['GIT_DIR', 'GIT_INDEX_FILE', 'GIT_WORK_TREE', 'GIT_ASKPASS', 'SSH_ASKPASS', 'GIT_EXTERNAL_DIFF'],
      ...[
        'LD_LIBRARY_PATH',
        'LD_PRELOAD_X',
        'DYLD_LIBRARY_PATH',
        'MAKEFLAGS',
        'MAKELEVEL',
        'BASH_ENV',
        'ENV',
      ],
      ...['NODE_OPTIONS_X', 'PYTHONPATH', 'SECRET_TOKEN'],
    ];
    const poisoned: NodeJS.ProcessEnv = { ...env, MY_SETTING: 'poison-mine', CFLAGS: 'poison-flags' };
    for (const name of poison) poisoned[name] = 'poison';
    expect(await holdfast(args, poisoned)).toMatchObject({ code: 0 });
    const seen = readFileSync(join(installDir, 'seen'), 'utf8');
    expect(seen.match(/^.*poison.*$/gm)?.toSorted()).toEqual([
      'CFLAGS=poison-flags',
      'MY_SETTING=poison-mine',
    ]);
    expect((await setup()).stderr).toContain('other settings of the compiler in the environment');
  });

  test('a tree that was moved is built again', async () => {
    const { setup, installDir, args, env, counter } = scene();
    await setup();
    const parent = join(installDir, '..');
    execFileSync('cp', ['-a', parent, `${parent}-copy`]);
    const copy = join(`${parent}-copy`, 'script');
    const result = await holdfast([...args.slice(0, 2), '--dir', copy], env);
    expect(result.stderr).toContain('and moved or copied here');
    expect(countOf(counter)).toBe(2);
  });

  test('a step that leaves a process running is not waited for', async () => {
    const { recipe, directory, setup, counter } = scene();
    const arguments_ = ['-c', `sleep 300 & echo $! > ${directory}/pid; ${MAKE_ONE}`];
    const steps = [{ name: 'make', command: 'sh', arguments: arguments_, env: { COUNTER: counter } }];
    writeRecipe(directory, { ...recipe, steps });
    const { stderr } = await setup();
    killAfterTest(Number(readFileSync(join(directory, 'pid'), 'utf8')));
    expect(stderr).toContain('left a process running');
  });
});
