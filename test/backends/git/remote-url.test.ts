import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';

import {
  parseGitConfig,
  transportSettings,
  type GitConfigEntry,
} from '../../../src/backends/git/configuration.js';
import { remoteOf } from '../../../src/backends/git/remote.js';
import { isolatedGitEnvironment } from '../../../src/process/git/environment.js';
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

function entriesIn(directory: string): GitConfigEntry[] {
  return parseGitConfig(gitIn(directory, 'config', '-z', '--show-scope', '--show-origin', '--list'));
}

function clone(): string {
  const directory = testDirectory();
  gitIn(directory, 'init', '--quiet', '.');
  return directory;
}

test('the URLs are what git remote get-url prints, if one of them is to be pushed to', () => {
  const directory = clone();
  fc.assert(
    fc.property(url, fc.array(setting, { maxLength: 5 }), (first, settings) => {
      writeFileSync(
        join(directory, '.git', 'config'),
        `[core]\n\tbare = false\n${configText([['url', first], ...settings])}`,
      );
      const [pushed, fetched] = [['--push'], []].map((options) =>
        gitIn(directory, 'remote', 'get-url', ...options, '--all', 'origin')
          .trim()
          .split('\n'),
      ) as [string[], string[]];
      const entries = entriesIn(directory);
      if (new Set(pushed).size > 1) {
        expect(() => remoteOf(entries, 'origin', '/', {})).toThrow(/one place has to decide/);
        return;
      }
      const { pushUrl, fetchUrl } = remoteOf(entries, 'origin', '/', {});
      expect([pushUrl, fetchUrl]).toEqual([absolute(pushed[0] ?? ''), absolute(fetched[0] ?? '')]);
    }),
    { numRuns: 100 },
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
  for (const [key, value] of [
    ['push.followTags', 'true'],
    ['core.hooksPath', 'hooks'],
    ['url.https://h.example/.insteadOf', 'short:'],
  ] as const)
    gitIn(directory, 'config', key, value);
  const env = isolatedGitEnvironment(
    process.env,
    join(directory, '.git/none'),
    transportSettings(entriesIn(directory)),
  );
  const read = (...args: string[]): string =>
    execFileSync('git', ['config', ...args], { cwd: '/', env, encoding: 'utf8' });
  for (const [key, value] of values) expect(read(key).trimEnd()).toBe(value);
  expect(read('--list').trimEnd().split('\n').length).toBe(values.length);
});
