import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { whenFinished } from './finish.js';
import { testDirectory } from './directory.js';

/** A small file system of its own, unmounted when the test ends. Needs root. */
export function fullDisk(sizeKib: number, moreOptions = ''): { readonly directory: string } {
  const directory = join(testDirectory(), 'disk');
  mkdirSync(directory);
  const options = [`size=${sizeKib}k`, ...(moreOptions === '' ? [] : [moreOptions])].join(',');
  execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory]);
  whenFinished(() => {
    execFileSync('umount', ['-l', directory]);
  });
  return { directory };
}

/** Takes what is left of the file system of `directory`. */
export function fillUp(directory: string): void {
  for (const sizeBytes of [1_048_576, 4_096]) {
    try {
      for (let part = 0; ; part++) {
        writeFileSync(join(directory, `full ${sizeBytes} ${part}`), Buffer.alloc(sizeBytes));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    }
  }
}
