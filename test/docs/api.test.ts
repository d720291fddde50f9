import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import * as holdfast from '../../dist/index.js';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const page = read('docs/reference/api.md');

test.each(Object.keys(holdfast))('docs/reference/api.md tells of %s', (name) => {
  expect(page).toMatch(new RegExp(`\\b${name}\\b`));
});

test('docs/reference/api.md tells of every path that can be imported', () => {
  const { exports } = JSON.parse(read('package.json')) as { exports: Record<string, unknown> };

  for (const path of Object.keys(exports)) {
    // The schemas have one row: their names are those of the commands.
    const name = path.startsWith('./schemas/') ? './schemas/NAME.json' : path;
    if (path !== './package.json') expect(page).toContain(`\`${name.replace(/^\./, 'holdfast')}\``);
  }
});
