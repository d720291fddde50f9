import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const require = createRequire(import.meta.url);

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const fileOf = (peer: string, path: string): string =>
  readFileSync(join(dirname(require.resolve(`${peer}/package.json`)), path), 'utf8');
const all = (text: string, form: RegExp): string[] =>
  Array.from(text.matchAll(form), (found) => found[1] as string);

/** What stands on the peer's side of the tables of its page. */
function rowsOf(page: string): string {
  return all(read(`docs/how-to/coming-from-${page}.md`), /^\|([^|]*)\|/gm).join('\n');
}

/** Names that a page must have a row for, read from the peer itself. */
const PEERS = {
  'async-mutex': () => [
    ...Object.keys(require('async-mutex') as object),
    ...['Mutex', 'Semaphore'].flatMap((name) => {
      const declared = fileOf('async-mutex', `lib/${name}Interface.d.ts`);
      const calls = all(declared, /^ {4}(\w+)(?:<T>)?\(/gm).map((call) => `${name.toLowerCase()}.${call}`);
      return [...calls, ...all(declared, /(\w+)\?: number/g)];
    }),
    ...all(fileOf('async-mutex', 'lib/withTimeout.d.ts'), /(\w+)\?: Error/g),
    ...all(fileOf('async-mutex', 'lib/tryAcquire.d.ts'), /(\w+)\?: Error/g),
  ],
  'proper-lockfile': () => [
    ...Object.keys(require('proper-lockfile') as object),
    ...all(fileOf('proper-lockfile', 'README.md'), /^- `(\w+)`: /gm),
  ],
  flock: () => {
    const help = execFileSync('flock', ['--help'], { encoding: 'utf8' });
    return all(help, /^ +(?:-\w, )?(--[\w-]+)/gm).concat(all(help, /^ +(-\w), /gm));
  },
} as const;

describe.each(Object.keys(PEERS) as (keyof typeof PEERS)[])('coming from %s', (peer) => {
  const rows = rowsOf(peer);
  const names = Array.from(new Set(PEERS[peer]()));

  test('reads the names of the peer', () => {
    expect(names.length).toBeGreaterThan(10);
  });

  test.each(names)('%s has a row', (name) => {
    expect(rows).toMatch(new RegExp(`(?<![\\w-])${name.replaceAll('.', '\\.')}(?![\\w-])`));
  });
});
