import { defineConfig } from 'vitest/config';

const isSoak = process.env['HOLDFAST_SOAK'] === '1';

export default defineConfig({
  test: {
    include: isSoak ? ['test/**/*.soak.test.ts'] : ['test/**/*.test.ts'],
    exclude: isSoak ? [] : ['test/**/*.soak.test.ts'],
    // Real processes, engines and clocks: two files at a time is what two cores carry without false alarms.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    retry: 0,
  },
});
