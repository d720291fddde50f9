import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const src = fileURLToPath(new URL('../../src/', import.meta.url));
/** A child process whose program is git, however it is started. */
const STARTS_GIT = /\b(?:spawn|spawnSync|exec|execFile|execFileSync|run|runChild)\(\s*['"`]git\b/;

test('git is started in one module', () => {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const textOf = (name: string): string => readFileSync(`${src}${name}`, 'utf8');
  expect(files.filter((name) => STARTS_GIT.test(textOf(name)))).toEqual(['process/git/run-git.ts']);
});

test('a second one would be found', () => {
  for (const line of ["execFile('git', args)", 'spawn(\n  "git",', 'spawnSync(`git`)'])
    expect(line).toMatch(STARTS_GIT);
});
