import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { defineConfig } from 'vitest/config';

const has = (...programs: string[]): boolean => programs.every((path) => existsSync(path));

/** Platforms that are emulated here, where their emulator and compiler are; see scripts/apt-packages-release.txt. */
const EMULATED = {
  'Linux on arm64': {
    file: 'test/package/arm64.test.ts',
    isHere: has('/usr/bin/qemu-aarch64-static', '/usr/bin/aarch64-linux-gnu-gcc'),
  },
  Windows: {
    file: 'test/package/windows.test.ts',
    isHere: has('/usr/lib/wine/wine64', '/usr/bin/x86_64-w64-mingw32-gcc'),
  },
};
const absent = Object.entries(EMULATED).filter(([, { isHere }]) => !isHere);
const present = Object.keys(EMULATED).filter((name) => absent.every(([other]) => other !== name));
console.log(`platforms that run: ${['Linux on x64', ...present].join(', ')}`);
for (const [name] of absent) console.log(`NOT run: ${name}; install scripts/apt-packages-release.txt`);

/** `npm run test:package`: the tarball as its users get it. Downloads what they would download. */
export default defineConfig({
  root: fileURLToPath(new URL('../..', import.meta.url)),
  test: {
    include: ['test/package/*.test.ts'],
    exclude: absent.map(([, { file }]) => file),
    globalSetup: ['test/package/pack.ts'],
    maxWorkers: 2,
    // Downloads and emulators: nothing here is watched that could hang for as long.
    testTimeout: 1_200_000,
    hookTimeout: 1_200_000,
    retry: 0,
  },
});
