import { readFileSync } from 'node:fs';

/** One line of /proc/self/mountinfo; see proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  /**
   * Device of the superblock, decimal `major:minor`. /proc/locks prints the same one (in hexadecimal), while
   * `stat` reports another on overlayfs, btrfs and their like.
   */
  readonly device: string;
  readonly mountPoint: string;
  /** `ext4`, `nfs4`, `fuse.sshfs`, ... */
  readonly type: string;
}

/** The mounts of this process's mount namespace; empty where there is no /proc. */
export function readMounts(): readonly Mount[] {
  try {
    return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

export function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // The optional fields before ` - ` vary in number; spaces inside a field are written as \040.
    const [head, tail] = line.split(' - ', 2);
    const [id, , device, , mountPoint] = (head ?? '').split(' ');
    const type = tail?.split(' ', 1)[0];
    if (device === undefined || mountPoint === undefined || type === undefined) continue;
    mounts.push({ id: Number(id), device, mountPoint: unescapeOctal(mountPoint), type });
  }
  return mounts;
}

function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
