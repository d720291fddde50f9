import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';

import { gapsOf } from '../../scripts/api/gaps.mjs';
import { readApi } from '../../scripts/api/read.mjs';
import { root } from './blocks.js';

interface Gap {
  readonly what: string;
  readonly gap: string;
}

test('every public name has its words, and the pages of the reference are those of the sources', () => {
  execFileSync(process.execPath, ['scripts/api/main.mjs', '--check'], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
});

test('a public name without its words is a gap', () => {
  const api: unknown = readApi([{ name: 'fixture', source: 'test/fixtures/api/gaps.ts' }]);
  const gaps = (gapsOf(api) as readonly Gap[]).map(({ what, gap }) => `${what}: ${gap}`);

  expect(gaps.toSorted()).toEqual([
    'fixture GapOptions.name: no default',
    'fixture GapOptions.name: no summary',
    'fixture GapOptions.patience: a number without a unit',
    'fixture GapOptions: no summary',
    'fixture undocumented: no @throws, nor that it never throws',
    'fixture undocumented: no summary',
  ]);
});
