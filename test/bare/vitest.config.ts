import { defineConfig } from 'vitest/config';

/** What needs no /proc, root, home or server; see scripts/bare.mjs. */
const FILES = ['test/bare/*.test.ts', 'test/core/*.test.ts', 'test/conformance/{flock,lease,memory}.test.ts'];

export default defineConfig({
  cacheDir: process.env['TMPDIR'] ?? '/tmp',
  test: { root: '.', include: FILES, retry: 0, testTimeout: 60_000 },
});
