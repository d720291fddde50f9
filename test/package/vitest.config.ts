import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

/** `npm run test:package`: the tarball as its users get it. Downloads what they would download. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/package/*.test.ts'],
    globalSetup: ['test/package/pack.ts'],
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
    retry: 0,
  },
});
