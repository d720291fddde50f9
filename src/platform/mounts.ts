import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';

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

/** O_PATH | O_CLOEXEC: names the file without opening it, so it needs no permission on it. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** The mount that `path` is reached through; undefined where there is no /proc or no such path. */
export function mountOfPath(path: string, mounts = readMounts()): Mount | undefined {
  const id = mountIdOf(path);
  return mounts.find((mount) => mount.id === id);
}

/** Something is mounted at the very `path`, which is no link. False where that cannot be known. */
export function isMountPoint(path: string): boolean {
  const id = mountIdOf(path);
  return id !== undefined && id !== mountIdOf(dirname(path));
}

function mountIdOf(path: string): number | undefined {
  try {
    const descriptor = openSync(path, O_PATH | constants.O_RDONLY);
    try {
      const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
      const id = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
      return id === undefined ? undefined : Number(id);
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

/**
 * The file as the kernel's lock table names it: `major:minor:inode`, decimal. Symlinks are followed.
 *
 * `stat` will not do: on overlayfs, btrfs and their like it reports a device, and sometimes an inode, that
 * /proc/locks does not use, while matching by inode alone would take files of two tmpfs mounts for one. So
 * the inode comes from the descriptor's fdinfo (since Linux 5.14, before that from `fstat`), and the device
 * from the mount that fdinfo names.
 *
 * @returns undefined when the file does not exist. @throws the errno of open(2) otherwise.
 */
export function kernelFileKey(path: string, mounts = readMounts()): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(path, O_PATH | O_CLOEXEC | constants.O_RDONLY);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
  try {
    const info = readFileSync(`/proc/self/fdinfo/${descriptor}`, 'latin1');
    const mountId = Number(/^mnt_id:\s*(\d+)$/m.exec(info)?.[1]);
    const stat = fstatSync(descriptor, { bigint: true });
    const inode = /^ino:\s*(\d+)$/m.exec(info)?.[1] ?? String(stat.ino);
    const device = mounts.find((mount) => mount.id === mountId)?.device ?? formatDevice(stat.dev);
    return `${device}:${inode}`;
  } finally {
    closeSync(descriptor);
  }
}

/** Decimal `major:minor` of a `st_dev`, which glibc spreads over the bits in two pieces each. */
export function formatDevice(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}
