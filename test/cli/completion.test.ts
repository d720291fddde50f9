import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, script, startHolder } from '../support/holdfast.js';

/** What bash offers for the words, the last of which is being typed. */
async function complete(directory: string, ...words: string[]): Promise<string[]> {
  const list = words.map((word) => `'${word}'`).join(' ');
  const text = `holdfast() { $H "$@"; }; source <($H completion bash)
    COMP_WORDS=(holdfast ${list}); COMP_CWORD=${words.length}; COMPREPLY=()
    _holdfast; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await script(directory, text);
  expect(stderr).toBe('');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('bash completion', () => {
  it('offers commands, options, values, files, and programs behind LOCK', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'build.lock'), '');
    expect(await complete(directory, 'cl')).toContain('clean');
    expect(await complete(directory, 'run', '--sh')).toEqual(['--shared']);
    expect(await complete(directory, 'run', '-w', '2', 'bu')).toEqual(['build.lock']);
    expect(await complete(directory, 'run', 'build.lock', 'node')).toContain('node');
    expect(await complete(directory, 'run', '-n', 'build.lock', '--', 'cat', 'bu')).toEqual(['build.lock']);
    expect(await complete(directory, 'completion', 'f')).toEqual(['fish']);
    expect(await complete(directory, 'setup', 'll')).toEqual(['llama.cpp']);
  });

  it('offers the locks that there are, and the ids of their holders', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'build.txt'), '');
    expect(await complete(directory, 'show', 'bu')).toEqual(['build.txt']);
    const holder = await startHolder(directory, ['build lock']);
    expect(await complete(directory, 'show', '')).toEqual(['build lock']);
    const [id] = await complete(directory, 'break', '--holder', '');
    expect(id).toMatch(/^[a-z2-7]{26}$/);
    await holder.end();
    const planted = '$(touch pwned)`touch pwned`';
    expect((await holdfast(directory, ['run', planted, 'true'])).code).toBe(0);
    expect(await complete(directory, 'show', '$')).toEqual([planted]);
    expect(existsSync(join(directory, 'pwned'))).toBe(false);
  });
});

describe('the scripts', () => {
  it.each([
    [
      'zsh',
      "zsh -f -c 'autoload -U compinit && compinit -u; source <(eval $H completion zsh); whence -w _holdfast'",
      '_holdfast: function',
    ],
    [
      'fish',
      'HOME=$PWD fish -c "$H completion fish | source; complete -C \'holdfast run --sh\'"',
      '--shared\tShare the lock with other shared holders',
    ],
    [
      'fish',
      'HOME=$PWD fish -c "$H completion fish | source; complete -C \'holdfast cle\'"',
      'clean\tRemove our lock files that are not held',
    ],
    [
      'fish',
      "HOME=$PWD fish -c \"function holdfast; $H \\$argv; end; $H run -q 'a b' true; $H completion fish | source; complete -C 'holdfast show '\"",
      'a b',
    ],
  ])('%s loads its script', async (_, text, expected) => {
    const { stdout, stderr } = await script(testDirectory(), text);
    expect([stdout.trim(), stderr]).toEqual([expected, '']);
  });

  it('exist for three shells and no other', async () => {
    const { code, stderr } = await holdfast(testDirectory(), ['completion', 'tcsh']);
    expect([code, stderr]).toEqual([
      64,
      'holdfast: SHELL is one of bash, zsh, fish, not "tcsh". See "holdfast completion --help".\n',
    ]);
  });
});

describe('help', () => {
  it('stands on stdout when asked for', async () => {
    const directory = testDirectory();
    const overview = await holdfast(directory, ['--help']);
    expect([overview.code, overview.stderr]).toEqual([0, '']);
    expect(overview.stdout).toContain('  run ');
    const asked = await Promise.all([
      holdfast(directory, ['run', '--help']),
      holdfast(directory, ['run', '-n', '-h']),
      holdfast(directory, ['help', 'run']),
    ]);
    expect(new Set(asked.map(({ stdout }) => stdout)).size).toBe(1);
    expect(asked.map(({ code }) => code)).toEqual([0, 0, 0]);
    expect(asked[0]?.stdout.split('\n').every((line) => line.length <= 80)).toBe(true);
  });

  it('is no usage error of a command that gets --help as its argument', async () => {
    const { stdout } = await holdfast(testDirectory(), ['run', 'x', 'echo', '--help', '--version']);
    expect(stdout).toBe('--help --version\n');
  });

  it('survives a reader that does not wait', async () => {
    const { code, stderr } = await script(
      testDirectory(),
      'set -o pipefail; $H help run | head -n 1 >/dev/null; exit 0',
    );
    expect([code, stderr]).toEqual([0, '']);
  });
});
