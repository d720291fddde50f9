import { closeSync, constants, openSync, readFileSync } from 'node:fs';

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
  /** A device, `host:/export`, `//host/share`, or whatever its maker wrote there. */
  readonly source: string;
  /** Of the superblock: `vers=4.2`, `local_lock=none`, ... */
  readonly options: readonly string[];
}

/** The mounts of this process's mount namespace; empty where there is no /proc. */
export function readMounts(): readonly Mount[] {
  try {
    return parseMounts(readFileSync('/proc/self/mountinfo', 'utf8'));
  } catch {
    return [];
  }
}

/** O_PATH: names the file without opening it, so it needs no permission on it and disturbs nobody. */
const O_PATH = 0o10000000;

/** The mount that `path` is reached through; undefined where there is no /proc or no such path. */
export function mountOfPath(path: string, mounts = readMounts()): Mount | undefined {
  try {
    const descriptor = openSync(path, O_PATH | constants.O_RDONLY);
    try {
      const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
      const id = Number(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1]);
      return mounts.find((mount) => mount.id === id);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

export function parseMounts(text: string): readonly Mount[] {
  const mounts: Mount[] = [];
  for (const line of text.split('\n')) {
    // The optional fields before ` - ` vary in number; spaces inside a field are written as \040.
    const [head, tail] = line.split(' - ', 2);
    const [id, , device, , mountPoint] = (head ?? '').split(' ');
    const [type, source = '', options = ''] = (tail ?? '').split(' ');
    if (device === undefined || mountPoint === undefined || tail === undefined || type === undefined)
      continue;
    mounts.push({
      id: Number(id),
      device,
      mountPoint: unescapeOctal(mountPoint),
      type,
      source: unescapeOctal(source),
      options: options.split(','),
    });
  }
  return mounts;
}

function unescapeOctal(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
