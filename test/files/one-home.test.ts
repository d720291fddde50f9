import { spawnSync } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
