import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import { CONFIG_PATTERN, parseGitConfig, storeConfigText } from '../../../src/backends/git/git-config.js';
import { arbiterUrl } from '../../../src/backends/git/remote-url.js';
import { testDirectory } from '../../support/directory.js';
import { GIT_ENV } from '../../support/git-remotes.js';

const url = fc.constantFrom(
  'short:a/b',
  'https://h.example/a',
  'git@h.example:a/b',
  'ssh://h.example/b',
  '/srv/a.git',
  'long:short:a',
);
const base = fc.constantFrom('https://h.example/', 'ssh://h.example/', '/srv/', 'git@h.example:', 'x/');
const prefix = fc.constantFrom('short:', 'short:a', 'https://h.example/', '/srv/', 'long:', 'ssh:');
const setting = fc.oneof(
  fc.tuple(fc.constant('url'), url),
  fc.tuple(fc.constant('pushurl'), url),
  fc.tuple(fc.constant('insteadOf'), base, prefix),
  fc.tuple(fc.constant('pushInsteadOf'), base, prefix),
);

/** `x...` is a relative path, which git reads from the top of the working tree. */
function absolute(url: string): string {
  return url.startsWith('x') ? resolve('/', url) : url;
}

function configText(settings: readonly (readonly string[])[]): string {
  return settings
    .map(([name, first, second]) =>
      second === undefined
        ? `[remote "origin"]\n\t${name} = "${first}"\n`
        : `[url "${first}"]\n\t${name} = "${second}"\n`,
    )
    .join('');
}

function gitIn(directory: string, ...args: string[]): string {
  return execFileSync('git', args, {
    cwd: directory,
    env: GIT_ENV,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

function clone(): string {
  const directory = testDirectory();
  gitIn(directory, 'init', '--quiet', '.');
  return directory;
}

test('the arbiter is what git remote get-url --push --all prints, if that is one line', () => {
  const directory = clone();
  fc.assert(
    fc.property(url, fc.array(setting, { maxLength: 5 }), (first, settings) => {
      writeFileSync(
        join(directory, '.git', 'config'),
        `[core]\n\tbare = false\n${configText([['url', first], ...settings])}`,
      );
      const expected = gitIn(directory, 'remote', 'get-url', '--push', '--all', 'origin').trim().split('\n');
      const entries = parseGitConfig(
        gitIn(directory, 'config', '-z', '--show-scope', '--get-regexp', CONFIG_PATTERN),
      );
      if (expected.length === 1) expect(arbiterUrl(entries, 'origin', '/')).toBe(absolute(expected[0] ?? ''));
      else expect(() => arbiterUrl(entries, 'origin', '/')).toThrow(/one place has to decide/);
    }),
    { numRuns: 200 },
  );
});

test("the clone's way to reach the remote is passed on as it is, and nothing else is", () => {
  const directory = clone();
  const values: [string, string][] = [
    ['http.https://h.example/.extraHeader', 'Authorization: Basic "x\\y"'],
    ['credential.helper', '!f() { echo "password=a;b#c"; }; f'],
    ['core.sshCommand', "ssh -i '/a b/key'"],
  ];
  for (const [key, value] of values) gitIn(directory, 'config', key, value);
  gitIn(directory, 'config', 'push.followTags', 'true');
  gitIn(directory, 'config', 'core.hooksPath', 'hooks');
  const text = storeConfigText(
    parseGitConfig(gitIn(directory, 'config', '-z', '--show-scope', '--get-regexp', CONFIG_PATTERN)),
  );
  const file = join(directory, 'store-config');
  writeFileSync(file, text);
  for (const [key, value] of values)
    expect(gitIn(directory, 'config', '--file', file, key).trimEnd()).toBe(value);
  expect(gitIn(directory, 'config', '--file', file, 'push.followTags').trim()).toBe('false');
  expect(gitIn(directory, 'config', '--file', file, '--get-all', 'core.hooksPath').trim()).toBe('/dev/null');
});
