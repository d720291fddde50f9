import { readdirSync, readFileSync, readlinkSync, statSync, lstatSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { HOLDFAST, script } from '../support/holdfast.js';
import { INVOCATIONS } from './run-like-flock.js';

const GUIDE = fileURLToPath(new URL('../../docs/how-to/coming-from-flock.md', import.meta.url));
const OURS = `${process.execPath} ${HOLDFAST} run`;

interface Observed {
  readonly code: number | null;
  readonly stdout: string;
  readonly files: readonly string[];
}

async function observe(text: string, program: string): Promise<Observed> {
  const directory = testDirectory();
  const { code, stdout } = await script(directory, text, { env: { F: program, PATH: process.env['PATH'] } });
  return { code, stdout, files: contents(Buffer.from(directory)) };
}

/** Name, type, mode and content; our record in a lock file that was made for us counts as nothing. */
function contents(directory: Buffer): string[] {
  return readdirSync(directory, 'buffer')
    .map((name) => {
      const path = Buffer.concat([directory, Buffer.from('/'), name]);
      const stat = lstatSync(path);
      const shown = `${name.toString('latin1')} ${stat.mode.toString(8)}`;
      if (stat.isSymbolicLink()) return `${shown} -> ${readlinkSync(path)}`;
      if (!statSync(path).isFile()) return shown;
      const content = readFileSync(path, 'latin1');
      return `${shown} ${/^\d+ holdfast\//.test(content) ? '' : content.slice(0, 200)}`;
    })
    .sort();
}

/** The first cells of the table of differences. */
const named = readFileSync(GUIDE, 'utf8')
  .split(/^## Differences$/m)[1]
  ?.matchAll(/^\| (?!-|difference)([^|]*?) +\|/gm);
const differences = [...(named ?? [])].map(([, cell = '']) => cell);

test('the table is long enough, and each difference of the guide is shown by an invocation', () => {
  expect(INVOCATIONS.length).toBeGreaterThanOrEqual(60);
  const shown = new Set(INVOCATIONS.flatMap(({ differs }) => differs ?? []));
  expect(differences.filter((difference) => !shown.has(difference))).toEqual([]);
  expect([...shown].filter((difference) => !differences.includes(difference))).toEqual([]);
});

describe('flock(1) and run', () => {
  it.each(INVOCATIONS.filter(({ differs }) => differs === undefined))('do the same: $script', async (row) => {
    const [theirs, ours] = await Promise.all([observe(row.script, 'flock'), observe(row.script, OURS)]);
    expect(ours).toEqual(theirs);
  });

  it.each(INVOCATIONS.filter(({ differs }) => differs !== undefined))(
    'differ ($differs): $script',
    async (row) => {
      const [theirs, ours] = await Promise.all([observe(row.script, 'flock'), observe(row.script, OURS)]);
      expect(ours).not.toEqual(theirs);
    },
  );
});
