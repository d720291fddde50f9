import { defineConfig } from 'vitest/config';

const isSoak = process.env['HOLDFAST_SOAK'] === '1';

export default defineConfig({
  test: {
    include: isSoak ? ['test/**/*.soak.test.ts'] : ['test/**/*.test.ts'],
    // The package's tests are a run of their own, and have packages of others beside them.
    exclude: ['test/package/**', ...(isSoak ? [] : ['test/**/*.soak.test.ts'])],
    // Real processes, engines and clocks: two files at a time is what two cores carry without false alarms.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
