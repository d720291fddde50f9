import { expect, test } from 'vitest';

import { resolveProgram } from '../../src/process/program.js';

const FILES = new Set([
  'C:\\checkout\\git.exe',
  'C:\\checkout\\.\\own.exe',
  'C:\\checkout\\own.exe',
  'C:\\Git\\cmd\\git.exe',
  'C:\\node\\npm.cmd',
]);
const search = {
  env: { Path: '.;C:\\Git\\cmd;bin;C:\\node', PATHEXT: '.COM;.EXE;.BAT;.CMD', SystemRoot: 'C:\\Windows' },
  cwd: 'C:\\checkout',
  platform: 'win32',
  isFile: (path: string) => FILES.has(path),
} as const;

test('elsewhere than on Windows the system searches', () => {
  const args = ['%PATH%', '"'];
  expect(resolveProgram('git', args, { ...search, platform: 'linux' })).toEqual({ file: 'git', args });
});

test('on Windows a name is looked up on PATH, never in the current directory', () => {
  expect(resolveProgram('git', ['x'], search)).toEqual({ file: 'C:\\Git\\cmd\\git.exe', args: ['x'] });
  expect(resolveProgram('GIT.EXE'.toLowerCase(), [], search).file).toBe('C:\\Git\\cmd\\git.exe');
});

test('a name that PATH has not is not found, whatever lies in the current directory', () => {
  expect(resolveProgram('own', [], search).file).toBe('C:\\Windows\\System32\\own');
});

test('a path is a path', () => {
  expect(resolveProgram('.\\own', [], search).file).toBe('C:\\checkout\\own.exe');
  expect(resolveProgram('C:\\checkout\\git.exe', [], search).file).toBe('C:\\checkout\\git.exe');
});

test.each([
  ['plain', 'plain'],
  ['C:\\a\\b.txt', 'C:\\a\\b.txt'],
  ['', '""'],
  ['two words', '"two words"'],
  ['a&calc', '"a&calc"'],
  ['"&calc&"', '"""&calc&"""'],
  ['\\"', '"\\\\"""'],
  ['end\\', '"end\\\\"'],
  ['%PATH%', '"%%cd:~,%PATH%%cd:~,%"'],
  ['a|b>c<d^e!f', '"a|b>c<d^e!f"'],
])('a batch file gets %s as one argument', (arg, quoted) => {
  expect(resolveProgram('npm', ['run', arg], search)).toEqual({
    file: 'C:\\Windows\\System32\\cmd.exe',
    args: ['/e:ON', '/v:OFF', '/d', '/c', `""C:\\node\\npm.cmd" run ${quoted}"`],
    windowsVerbatimArguments: true,
  });
});

test.each(['a\nb', 'a\rb', 'a\0b'])('a batch file cannot be given %j', (arg) => {
  expect(() => resolveProgram('npm', [arg], search)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
});
