import { fileURLToPath } from 'node:url';
import { join } from 'node:path';
import { execFile } from 'node:child_process';
import { expect, test } from 'vitest';

import { tools, type Finished } from './consumer.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Those that need no server: what differs between versions of Node is our side. */
const SUITES = [
  'test/conformance/flock.test.ts',
  'test/conformance/memory.test.ts',
  'test/conformance/lease.test.ts',
  'test/processes/native-exclusion.test.ts',
  'test/processes/native-waiting.test.ts',
  'test/processes/run-exit-codes.test.ts',
];

function vitest(node: string): Promise<Finished> {
  const program = join(tools, node, 'bin/node');
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^vitest/i.test(name)));
  return new Promise((resolve) => {
    const args = [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...SUITES];
    execFile(program, args, { cwd: root, env, encoding: 'utf8' }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stdout, stderr }),
    );
  });
}

test.each(['node22', 'node24', 'node26'])('the laws of a lock hold on %s', async (node) => {
  const { code, stdout } = await vitest(node);

  expect(code, stdout).toBe(0);
});
