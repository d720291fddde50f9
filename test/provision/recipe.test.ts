import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { BUILT_IN_RECIPES } from '../../src/provision/built-in-recipes.js';
import { compareVersions } from '../../src/provision/prerequisites.js';
import { parseRecipe } from '../../src/provision/recipe-schema.js';
import { testDirectory } from '../support/directory.js';
import {
  cleanEnvironment,
  cmakeRecipe,
  countOf,
  holdfast,
  MAKE_ONE,
  repository,
  scriptRecipe,
  withProgram,
} from './fixture.js';

const RECIPE = cmakeRecipe('/remote', '/counter') as { [key: string]: never };

function issuesOf(changes: object): readonly string[] {
  const result = parseRecipe({ ...RECIPE, ...changes });
  return 'issues' in result ? result.issues : [];
}

describe('a recipe is checked as a whole', () => {
  test('the built-in ones keep their own rules', () => {
    for (const recipe of BUILT_IN_RECIPES) expect(parseRecipe(structuredClone(recipe))).toEqual({ recipe });
  });

  test.each([
    [{ serach: [] }, 'unknown key "serach"'],
    [{ source: { git: 'x', reff: 'y' } }, 'unknown key "source.reff"'],
    [{ steps: [{ name: 'x', command: 'y', argumnets: [] }] }, 'unknown key "steps.0.argumnets"'],
    [{ source: undefined }, '"source" is missing'],
    [{ steps: 'make' }, '"steps" must be Array, not "make"'],
    [{ name: 'list' }, '"name" is the name of a subcommand'],
    [{ name: 'Üb er' }, '"name" must match [a-z0-9][a-z0-9._-]*'],
    [{ artifacts: [] }, '"artifacts" is empty: nothing would prove a finished build'],
    [
      { artifacts: [{ name: 'a', files: { linux: 'x' } }] },
      '"artifacts.0.files" must be one value, or one each for linux, darwin and win32',
    ],
    [{ source: { git: '--upload-pack=x' } }, '"source.git" must not begin with a dash'],
    [{ source: { git: 'x', ref: '-b' } }, '"source.ref" must not begin with a dash'],
    [{ search: ['../outside'] }, '"search.0" must stay inside the tree'],
    [{ search: ['/usr/lib'] }, '"search.0" must stay inside the tree'],
    [{ exports: [{ variable: 'A B', value: '' }] }, '"exports.0.variable" is no name of a variable'],
    [
      { source: { archive: 'https://x/y.tgz', sha256: 'abc' } },
      '"source.sha256" must be 64 hexadecimal digits',
    ],
    [{ diskSpaceBytes: -1 }, '"diskSpaceBytes" must not be negative'],
  ])('%j', (changes, issue) => {
    expect(issuesOf(changes)).toContain(issue);
  });

  test('versions are compared by number', () => {
    expect(compareVersions('3.9', '3.14')).toBeLessThan(0);
    expect(compareVersions('3.14', '3.14.0')).toBe(0);
    expect(compareVersions('4', '3.99.1')).toBeGreaterThan(0);
  });
});

describe("a recipe of the user's own", () => {
  function scene() {
    const directory = testDirectory();
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const counter = join(directory, 'counter');
    return {
      directory,
      counter,
      recipe: scriptRecipe(remote, counter, MAKE_ONE),
      env: cleanEnvironment(directory),
    };
  }

  test.each([
    [
      'toolchain.ts',
      'interface Mine { name: string }\nconst recipe: Mine = RECIPE;\nexport default recipe satisfies Mine;\n',
    ],
    [
      'toolchain.mts',
      "import type { Recipe } from 'holdfast/provision';\nexport default RECIPE as Recipe;\n",
    ],
    ['toolchain.mjs', 'export default RECIPE;\n'],
  ])('%s', async (name, code) => {
    const { directory, recipe, counter, env } = scene();
    writeFileSync(join(directory, name), code.replace('RECIPE', JSON.stringify(recipe)));
    const result = await holdfast(['setup', `./${name}`], env, directory);
    expect(result.code, result.stderr).toBe(0);
    expect(countOf(counter)).toBe(1);
  });

  test.each([
    ['broken.json', '{ "name": ', /is not valid JSON/],
    ['broken.ts', 'export default {{{', /could not be run/],
    ['empty.json', '{}', /"name" is missing; "source" is missing/],
    ['extra.json', JSON.stringify({ ...RECIPE, colour: 'red' }), /unknown key "colour"/],
  ])('%s: exit 64, what is wrong, nothing on stdout', async (name, content, words) => {
    const { directory, env } = scene();
    writeFileSync(join(directory, name), content);
    const result = await holdfast(['setup', join(directory, name)], env);
    expect(result).toMatchObject({ code: 64, stdout: '' });
    expect(result.stderr).toMatch(words);
  });

  test.each([
    [['setup', 'lama.cpp'], /Unknown recipe "lama\.cpp" \(did you mean "llama\.cpp"\?\)/],
    [
      ['setup', 'llama.cpp', '--emit=tcsh'],
      /--emit is one of sh, bash, zsh, fish, pwsh, nu, cmd, json, github, dotenv, not "tcsh"/,
    ],
    [['setup', './nowhere.json'], /there is no such file/],
    [['setup', 'llama.cpp', 'bitnet.cpp', '--dir', 'x'], /--dir names the directory of one recipe/],
    [['setup', 'llama.cpp', 'llama.cpp'], /named twice/],
    [['setup'], /RECIPE is missing/],
  ])('%j: exit 64', async (args, words) => {
    const { directory, env } = scene();
    const result = await holdfast(args, env, directory);
    expect(result).toMatchObject({ code: 64, stdout: '' });
    expect(result.stderr).toMatch(words);
  });
});

const CMAKE_PREFIX = [
  'cmake_minimum_required(VERSION 3.14)',
  'project(fixture C CXX)',
  'set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)',
];

describe('the built-in recipes, on projects of their shape', () => {
  /** git takes the real addresses to be these repositories; the recipes are what they are. */
  function redirected(
    directory: string,
    addresses: Readonly<Record<string, string>>,
    files: NodeJS.ProcessEnv = {},
  ): NodeJS.ProcessEnv {
    const config = join(directory, 'gitconfig');
    const lines = Object.entries(addresses).map(
      ([url, path]) => `[url "file://${path}"]\n\tinsteadOf = ${url}\n`,
    );
    writeFileSync(config, `${lines.join('')}[protocol "file"]\n\tallow = always\n`);
    return cleanEnvironment(directory, { GIT_CONFIG_GLOBAL: config, ...files });
  }

  function llamaLike(directory: string): string {
    return repository(join(directory, 'llama'), {
      'CMakeLists.txt': [
        ...CMAKE_PREFIX,
        'option(LLAMA_CURL "" ON)',
        'add_library(ggml ggml.c)',
        'add_library(llama llama.cpp)',
        'target_link_libraries(llama PRIVATE ggml)',
        '',
      ].join('\n'),
      'ggml.c': 'int ggml(void) { return 1; }\n',
      'llama.cpp': 'extern "C" int ggml(void); extern "C" int llama(void) { return ggml(); }\n',
    });
  }

  function bitnetLike(directory: string, llama: string): string {
    const bitnet = repository(join(directory, 'bitnet'), {
      'CMakeLists.txt': [
        ...CMAKE_PREFIX.slice(0, 2),
        'include_directories(include)',
        'add_subdirectory(3rdparty/llama.cpp)',
        'add_library(kernels STATIC kernels.cpp)',
        '',
      ].join('\n'),
      'kernels.cpp': '#include "bitnet-lut-kernels.h"\nint kernels() { return KERNELS; }\n',
      'setup_env.py': [
        'import os, sys',
        'def gen_code():',
        '    assert args.quant_type == "i2_s" and os.path.basename(args.model_dir) == "BitNet-b1.58-2B-4T"',
        '    os.makedirs("include", exist_ok=True)',
        '    open("include/bitnet-lut-kernels.h", "w").write("#define KERNELS 1\\n")',
        'def main():',
        '    sys.exit("would download a model")',
        'if __name__ == "__main__":',
        '    main()',
        '',
      ].join('\n'),
    });
    execFileSync('git', [
      '-C',
      bitnet,
      '-c',
      'protocol.file.allow=always',
      'submodule',
      '--quiet',
      'add',
      `file://${llama}`,
      '3rdparty/llama.cpp',
    ]);
    execFileSync('git', [
      '-C',
      bitnet,
      '-c',
      'user.name=t',
      '-c',
      'user.email=t',
      'commit',
      '-qam',
      'submodule',
    ]);
    return bitnet;
  }

  test('both at once: each under its own lock, exports of both, one build each', async () => {
    const directory = testDirectory();
    const llama = llamaLike(directory);
    const bitnet = bitnetLike(directory, llama);
    const base = redirected(directory, {
      'https://github.com/ggml-org/llama.cpp': llama,
      'https://github.com/microsoft/BitNet': bitnet,
    });
    // The recipe asks for clang by name; which compiler answers to it is not what is tested here.
    const cc = withProgram(base, join(directory, 'bin'), 'clang', 'exec cc "$@"');
    const env = withProgram(cc, join(directory, 'bin'), 'clang++', 'exec c++ "$@"');
    const runs = await Promise.all([
      holdfast(['setup', 'llama.cpp', 'bitnet.cpp'], env),
      holdfast(['setup', 'bitnet.cpp', 'llama.cpp', '--emit=json'], env),
    ]);
    expect(
      runs.map(({ code }) => code),
      runs[0].stderr + runs[1].stderr,
    ).toEqual([0, 0]);
    const said = runs[0].stderr + runs[1].stderr;
    expect(said.match(/(?:llama|bitnet)\.cpp: installed/g)).toHaveLength(2);
    expect(said.match(/(?:llama|bitnet)\.cpp: cached/g)).toHaveLength(2);
    const variables = JSON.parse(runs[1].stdout) as Record<string, string>;
    expect(Object.keys(variables).toSorted()).toEqual([
      'BITNET_CPP_DIR',
      'BITNET_CPP_LIBDIR',
      'LD_LIBRARY_PATH',
      'LLAMA_CPP_DIR',
      'LLAMA_CPP_LIBDIR',
    ]);
    for (const library of ['libllama.so', 'libggml.so']) {
      expect(existsSync(join(variables['LLAMA_CPP_LIBDIR'] as string, library))).toBe(true);
      expect(existsSync(join(variables['BITNET_CPP_LIBDIR'] as string, library))).toBe(true);
    }
    const script = `${runs[0].stdout} printf '%s' "$LD_LIBRARY_PATH"`;
    const path = execFileSync('sh', ['-c', script], { encoding: 'utf8', env });
    expect(path).toBe(`${variables['BITNET_CPP_LIBDIR']}:${variables['LLAMA_CPP_LIBDIR']}`);
  });

  test('llama.cpp without libggml is no llama.cpp', async () => {
    const directory = testDirectory();
    const llama = repository(join(directory, 'llama'), {
      'CMakeLists.txt': [...CMAKE_PREFIX, 'add_library(llama llama.c)', ''].join('\n'),
      'llama.c': 'int llama(void) { return 1; }\n',
    });
    const env = redirected(directory, { 'https://github.com/ggml-org/llama.cpp': llama });
    const result = await holdfast(['setup', 'llama.cpp'], env);
    expect(result).toMatchObject({ code: 70, stdout: '' });
    expect(result.stderr).toMatch(/"libggml" \(libggml\.so\) is missing; looked in "build\/bin"/);
  });
});
