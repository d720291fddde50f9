import { execFileSync } from 'node:child_process';
import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { whenFinished } from './finish.js';
import { testDirectory } from './directory.js';

/** Mounts need root, and a kernel that lets this container's root have them. */
export const canMount = process.platform === 'linux' && process.getuid?.() === 0 && mountsWork();

function mountsWork(): boolean {
  try {
    execFileSync('unshare', ['-m', 'true'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Mounts `source` over `target`, both directories or both files. Returns the end of it. */
export function bindMount(source: string, target: string): () => void {
  execFileSync('mount', ['--bind', source, target]);
  return () => {
    execFileSync('umount', ['--lazy', target]);
  };
}

/** A directory on an ext4 whose inodes have no room for birth times. Unmounted after the test. */
export function smallInodes(): string {
  const directory = testDirectory();
  const [image, place] = [join(directory, 'image'), join(directory, 'place')];
  writeFileSync(image, '');
  truncateSync(image, 16 * 2 ** 20);
  execFileSync('mke2fs', ['-q', '-F', '-t', 'ext4', '-I', '128', image], { stdio: 'ignore' });
  mkdirSync(place);
  execFileSync('mount', ['-o', 'loop', image, place]);
  whenFinished(() => {
    execFileSync('umount', ['--lazy', place]);
  });
  return place;
}
