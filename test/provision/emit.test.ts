import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { emitExports, type Emitter } from '../../src/provision/emit.js';
import type { Export } from '../../src/provision/exports.js';
import { testDirectory } from '../support/directory.js';
import { cleanEnvironment, holdfast, MAKE_ONE, repository, scriptRecipe, writeRecipe } from './fixture.js';

const set = (variable: string, value: string): Export => ({ variable, values: [value], prepend: false });
const prepend = (variable: string, ...values: string[]): Export => ({ variable, values, prepend: true });

/** Each would run something, end the quoting or vanish where it is not quoted whole. */
const NASTY = [
  'plain',
  'two  spaces ',
  '$HOME ${HOME} $(touch ran)',
  '`touch ran`',
  `it's "quoted"`,
  `'; touch ran; '`,
  '"; touch ran; "',
  'a;b & touch ran | cat > ran',
  'line one\nline two\n\nand touch ran',
  'ends with a newline\n',
  '\\ \\\\ \\n \\$ \\',
  "''",
  '* ? [a] ~ !! # %PATH%',
  '\r\ttab',
  'grün 日本',
];

const SHELLS: readonly [Emitter, string, readonly string[]][] = [
  ['sh', 'dash', []],
  ['bash', 'bash', ['--norc']],
  ['zsh', 'zsh', ['-f']],
  ['fish', 'fish', ['--no-config']],
];

/** Evaluates the exports as a user would, and prints the variable with NUL behind it. */
function evaluated(
  emitter: Emitter,
  shell: string,
  options: readonly string[],
  text: string,
  name: string,
  env: NodeJS.ProcessEnv = {},
) {
  const directory = testDirectory();
  const form = emitter === 'fish' ? 'eval (printenv TEXT | string collect)' : 'eval "$TEXT"';
  const output = execFileSync(shell, [...options, '-c', `${form}; env -0`], {
    cwd: directory,
    env: { PATH: process.env['PATH'], HOME: directory, LC_ALL: 'C.UTF-8', TEXT: text, ...env },
    encoding: 'utf8',
  });
  expect(existsSync(join(directory, 'ran'))).toBe(false);
  return output
    .split('\0')
    .find((entry) => entry.startsWith(`${name}=`))
    ?.slice(name.length + 1);
}

describe.each(SHELLS)('%s', (emitter, shell, options) => {
  test.each(NASTY)('sets exactly %j and runs nothing', (value) => {
    const text = emitExports([set('HOLDFAST_TEST', value)], emitter);
    expect(evaluated(emitter, shell, options, text, 'HOLDFAST_TEST')).toBe(value);
  });

  test('a search path: in front of what is there, alone without a trailing separator', () => {
    const text = emitExports([prepend('LD_LIBRARY_PATH', '/new lib', "/it's")], emitter, { separator: ':' });
    const after = (before: NodeJS.ProcessEnv) =>
      evaluated(emitter, shell, options, text, 'LD_LIBRARY_PATH', before);
    expect(after({})).toBe("/new lib:/it's");
    expect(after({ LD_LIBRARY_PATH: '' })).toBe("/new lib:/it's");
    expect(after({ LD_LIBRARY_PATH: '/a b:/old' })).toBe("/new lib:/it's:/a b:/old");
  });

  test('a search path evaluated again has no element twice, and the newest is in front', () => {
    const text = emitExports([prepend('LD_LIBRARY_PATH', '/a*b', '/$c')], emitter, { separator: ':' });
    const after = (before: string) =>
      evaluated(emitter, shell, options, text, 'LD_LIBRARY_PATH', { LD_LIBRARY_PATH: before });
    expect(after('/a*b:/$c:/old')).toBe('/a*b:/$c:/old');
    expect(after('/old:/$c:/axb:/a*b:/a*b')).toBe('/a*b:/$c:/old:/axb');
  });
});

test('fish also takes the exports by source, and lines joined by eval without quotes', () => {
  const text = emitExports([set('A', 'one\ntwo'), prepend('LD_LIBRARY_PATH', '/x'), set('B', "b'b")], 'fish');
  const env = { PATH: process.env['PATH'], HOME: testDirectory(), TEXT: text };
  for (const form of ['printenv TEXT | source', 'eval (printenv TEXT)']) {
    const script = `${form}; printf '%s|' $A $LD_LIBRARY_PATH $B`;
    expect(execFileSync('fish', ['--no-config', '-c', script], { env, encoding: 'utf8' })).toBe(
      "one\ntwo|/x|b'b|",
    );
  }
});

test("zsh with RC_QUOTES, where '' is a quote inside quotes", () => {
  for (const value of ["'", "''", "a'b''c", "'x'"]) {
    const text = emitExports([set('HOLDFAST_TEST', value)], 'zsh');
    expect(evaluated('zsh', 'zsh', ['-f', '-o', 'rc_quotes'], text, 'HOLDFAST_TEST')).toBe(value);
  }
});

describe('pwsh', () => {
  test('single quotes, also the typographic ones, are doubled; nothing else is special between them', () => {
    expect(emitExports([set('A', 'it\'s $x `n "q" ‘’‚‛ ;')], 'pwsh')).toBe(
      "$env:A = 'it''s $x `n \"q\" ‘‘’’‚‚‛‛ ;'\n",
    );
  });
  test('a search path is taken apart, so that nothing is in it twice', () => {
    expect(emitExports([prepend('PATH', 'C:\\a')], 'pwsh', { separator: ';' })).toBe(
      "$env:PATH = (@('C:\\a') + @(\"$env:PATH\" -split ';' | Where-Object { $_ -and $_ -cne 'C:\\a' })) -join ';'\n",
    );
  });
});

describe('cmd', () => {
  test('percent signs are doubled, the assignment stands in quotes, lines end as cmd wants them', () => {
    expect(emitExports([set('A', 'C:\\100% & (x) ^ | < >')], 'cmd')).toBe(
      '@set "A=C:\\100%% & (x) ^ | < >"\r\n',
    );
  });
  test('a search path: no parentheses around what may contain some', () => {
    expect(emitExports([prepend('PATH', 'C:\\a')], 'cmd', { separator: ';' })).toBe(
      [
        '@if defined PATH set "hf_path=;%PATH%;"',
        '@if defined PATH call set "hf_path=%%hf_path:;C:\\a;=;%%"',
        '@if defined PATH set "PATH=C:\\a%hf_path:~0,-1%"',
        '@if not defined PATH set "PATH=C:\\a"',
        '@set "hf_path="\r\n',
      ].join('\r\n'),
    );
  });
  test.each(['a"b', 'a\nb', 'a\rb'])('refuses %j', (value) => {
    expect(() => emitExports([set('A', value)], 'cmd')).toThrow(RangeError);
  });
});

test('json: whole values, search paths joined with what the environment has', () => {
  const exports = [set('A', 'x "y"\n'), prepend('P', '/1'), prepend('P', '/2')];
  expect(JSON.parse(emitExports(exports, 'json', { separator: ':', env: { P: '/0' } }))).toEqual({
    A: 'x "y"\n',
    P: '/2:/1:/0',
  });
  expect(JSON.parse(emitExports([prepend('P', '/1')], 'json', { separator: ':', env: { P: '' } }))).toEqual({
    P: '/1',
  });
});

test('github and dotenv: whole values, one variable a line where it has one', () => {
  const exports = [set('A', 'x y'), set('B', 'one\ntwo'), prepend('P', '/1')];
  const options = { separator: ':', env: { P: '/0:/1' } };
  expect(emitExports(exports, 'github', options)).toBe(
    'A=x y\nB<<HOLDFAST_END\none\ntwo\nHOLDFAST_END\nP=/1:/0\n',
  );
  expect(emitExports(exports, 'dotenv', options)).toBe(`A='x y'\nB="one\\ntwo"\nP='/1:/0'\n`);
  expect(() => emitExports([set('A', `it's $5`)], 'dotenv')).toThrow(RangeError);
});

test.each(NASTY)('dotenv: node --env-file sets exactly %j, or it is refused', (value) => {
  const file = join(testDirectory(), 'exports.env');
  let text: string;
  try {
    text = emitExports([set('A', value), prepend('P', '/1')], 'dotenv', { separator: ':', env: { P: '/0' } });
  } catch (error) {
    expect(error).toBeInstanceOf(RangeError);
    return;
  }
  writeFileSync(file, text);
  const script = 'process.stdout.write(JSON.stringify([process.env.A, process.env.P]))';
  const output = execFileSync(process.execPath, [`--env-file=${file}`, '-e', script], { env: {} });
  expect(JSON.parse(String(output))).toEqual([value, '/1:/0']);
});

/** As the runner of GitHub's actions reads the file that GITHUB_ENV names. */
function githubEnvironment(text: string): Record<string, string> {
  const variables: Record<string, string> = {};
  const lines = text.split('\n');
  while (lines.length > 1) {
    const line = lines.shift() as string;
    const [, name = '', end] = /^([^=]+?)<<(.+)$/.exec(line) ?? [];
    if (end === undefined) {
      variables[line.slice(0, line.indexOf('='))] = line.slice(line.indexOf('=') + 1);
      continue;
    }
    const length = lines.indexOf(end);
    variables[name] = lines.splice(0, length).join('\n');
    lines.shift();
  }
  return variables;
}

test.each([...NASTY, 'HOLDFAST_END\nB=x\nHOLDFAST_END'])('github: the file sets exactly %j', (value) => {
  const text = emitExports([set('A', value), set('Z', 'last')], 'github');
  expect(githubEnvironment(text)).toEqual({ A: value, Z: 'last' });
});

test('nu: raw strings, and PATH as a list', () => {
  const text = emitExports([set('A', `it's '# "q"`), prepend('PATH', '/b')], 'nu', { separator: ':' });
  expect(text).toContain(`$env.A = r##'it's '# "q"'##\n`);
  expect(text).toContain(`| prepend r#'/b'# | uniq)\n`);
});

test.each(['a:b', 'nul\0'])('refuses %j as an element of a search path', (value) => {
  expect(() => emitExports([prepend('P', value)], 'sh', { separator: ':' })).toThrow(RangeError);
});

describe('an install directory with everything a shell could stumble over', () => {
  const name = ' a $HOME `touch ran` \'single\' "double" ; touch ran\nnew & line \\';

  test.each(SHELLS)('%s: eval sets exactly that value and runs nothing', async (emitter, shell, options) => {
    const directory = testDirectory();
    mkdirSync(join(directory, 'opt'));
    const env = cleanEnvironment(directory);
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const recipe = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
    const installDir = join(directory, 'opt', name, 'tool');
    const result = await holdfast(['setup', recipe, '--dir', installDir, '--emit', emitter], env);
    expect(result.code, result.stderr).toBe(0);
    const dir = evaluated(emitter, shell, options, result.stdout, 'SCRIPT_DIR');
    expect(dir?.startsWith(`${installDir}.versions/`)).toBe(true);
    expect(evaluated(emitter, shell, options, result.stdout, 'LD_LIBRARY_PATH')).toBe(`${dir}/lib`);
    expect(existsSync(`${dir}/lib/libone.so`)).toBe(true);
  });

  test('a colon, which no search path can hold, is refused before anything is built', async () => {
    const directory = testDirectory();
    const remote = repository(join(directory, 'remote'), { 'seed.txt': 'one\n' });
    const recipe = writeRecipe(directory, scriptRecipe(remote, join(directory, 'counter'), MAKE_ONE));
    const installDir = join(directory, 'a:b', 'tool');
    const result = await holdfast(['setup', recipe, '--dir', installDir], cleanEnvironment(directory));
    expect(result).toMatchObject({ code: 78, stdout: '' });
    expect(result.stderr).toContain('contains ":"');
    expect(existsSync(join(directory, 'counter'))).toBe(false);
  });
});
