import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

import { exitCodeOf } from '../../dist/cli/exit-codes.js';
import { ERROR_CODES } from '../../dist/index.js';

const page = readFileSync(new URL('../../docs/reference/errors.md', import.meta.url), 'utf8');

/** Text of each second-level section by its heading. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...lines] = section.split('\n');
      return [heading.trim(), lines.join('\n')] as const;
    }),
);

test.each(ERROR_CODES)('%s has its entry: meaning, cause, what to do, exit code', (code) => {
  const section = sections.get(code);

  expect(section, `no section "${code}" in docs/reference/errors.md`).toBeDefined();
  for (const part of ['Meaning', 'Cause', 'What to do']) expect(section).toContain(`**${part}**: `);
  expect(section).toMatch(new RegExp(`\\*\\*Exit code\\*\\*: ${exitCodeOf(code)}\\b`));
});

test('the page tells of no code that is not there', () => {
  const told = [...sections.keys()].filter((heading) => heading.startsWith('HOLDFAST_'));

  expect(told.toSorted()).toEqual(ERROR_CODES.toSorted());
});
