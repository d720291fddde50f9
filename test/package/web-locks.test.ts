import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { tools } from './consumer.js';

test("the cases of test/web-locks are those of Node 24's own navigator.locks", () => {
  const oracle = fileURLToPath(new URL('../web-locks/oracle.mjs', import.meta.url));
  const node = join(tools, 'node24/bin/node');

  const { cases, failures } = JSON.parse(execFileSync(node, [oracle], { encoding: 'utf8' })) as {
    cases: number;
    failures: string[];
  };

  expect(failures).toEqual([]);
  expect(cases).toBeGreaterThan(40);
});
