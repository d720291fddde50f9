import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A second call site of what has one home, in a folder of each kind. */
const SECOND: [what: string, file: string, source: string][] = [
  ['replacing a file', 'cache', `import { renameSync } from 'node:fs';\nrenameSync('a', 'b');\n`],
  ['replacing a file', 'claims', `import { rename } from 'node:fs/promises';\nawait rename('a', 'b');\n`],
  ['syncing a directory', 'backends/git', `import { fsyncSync } from 'node:fs';\nfsyncSync(3);\n`],
  ['making a directory', 'locks', `import { mkdirSync } from 'node:fs';\nmkdirSync('.holdfast');\n`],
  ['making a directory', 'provision', `import { mkdir } from 'node:fs/promises';\nawait mkdir('a');\n`],
  ['opening a side file', 'durable', `import { openSync } from 'node:fs';\nopenSync('a.torn', 'a');\n`],
  ['opening a side file', 'compat', `import { open } from 'node:fs/promises';\nawait open('a');\n`],
  [
    'writing a side file',
    'backends/lease',
    `import { writeFileSync } from 'node:fs';\nwriteFileSync('a', '');\n`,
  ],
  ['naming the host', 'backends/etcd', `import { hostname } from 'node:os';\nhostname();\n`],
  ['finding the home', 'cli', `import { homedir } from 'node:os';\nhomedir();\n`],
];

test('lint refuses a second home of what src/files and src/platform do', () => {
  const copy = testDirectory();
  for (const name of ['src', 'package.json', 'tsconfig.json', 'oxlint.config.mjs'])
    cpSync(join(ROOT, name), join(copy, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const lint = (): { status: number | null; stdout: string } =>
    spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['-c', 'oxlint.config.mjs', 'src'], {
      cwd: copy,
      encoding: 'utf8',
    });
  const before = lint();
  expect(before.stdout).toContain('Found 0 warnings and 0 errors.');

  const files = SECOND.map(([, folder], index) => `src/${folder}/second-${index}.ts`);
  for (const [index, [, , source]] of SECOND.entries())
    writeFileSync(join(copy, files[index] as string), source);
  const { status, stdout } = lint();

  expect(status).not.toBe(0);
  expect(stdout.match(/no-restricted-imports/g)).toHaveLength(SECOND.length);
  for (const file of files) expect(stdout).toContain(file);
});

/** What no import shows: how it is written, the modules that write it, and how a second one would. */
const WRITTEN: [what: string, form: RegExp, homes: string[], second: string][] = [
  // The record refuses such names instead.
  [
    'escaping text',
    /\\u007f-\\u009f/,
    ['backends/git/record', 'core/escape'],
    `text.replace(/[\\u007f-\\u009f]/g, '')`,
  ],
  [
    'removing credentials from text',
    /replace(?:All)?\(\/[^\n]*@|\.password = ''/,
    // A URL is parted into the request and its header.
    ['core/credentials', 'net/url'],
    `text.replace(/\\/\\/[^@]*@/, '//')`,
  ],
  [
    'running git',
    /(?:exec|execFile|spawn)(?:Sync)?\(\s*['"]git['"]/,
    ['process/git/run-git'],
    `spawn('git', [])`,
  ],
  ['naming the boot', /\/boot_id/, ['platform/identity'], `read('/proc/sys/kernel/random/boot_id')`],
  [
    'reading a process',
    /\/proc\/\$\{?pid\}?\/stat\b/,
    ['platform/process-stat'],
    'read(`/proc/${pid}/stat`)',
  ],
  ['states since when', /class \w*FirstSeen/, ['platform/first-seen'], 'class MyFirstSeen {}'],
  ['the folder of locks', /['`]\.holdfast['`/]/, ['files/side-folder'], `join(directory, '.holdfast')`],
];

/** The modules of `src` that write `form` outside of a comment. */
function modulesWith(src: string, form: RegExp): string[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  return files
    .filter((name) => form.test(readFileSync(join(src, name), 'utf8').replace(/^\s*(?:\/?\*|\/\/).*$/gm, '')))
    .map((name) => name.slice(0, -3))
    .toSorted();
}

test.each(WRITTEN)('%s has one home, and a second one is found', (_what, form, homes, second) => {
  expect(modulesWith(join(ROOT, 'src'), form)).toEqual(homes);
  const src = testDirectory();
  const path = join(src, 'cache/second.ts');
  mkdirSync(dirname(path));
  writeFileSync(path, `export const two = ${second};\n`);
  expect(modulesWith(src, form)).toEqual(['cache/second']);
});
