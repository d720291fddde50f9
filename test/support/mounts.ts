import { execFileSync } from 'node:child_process';

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
