import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs';

import { readMounts } from './mounts.js';

/** O_PATH | O_CLOEXEC: names the file without opening it, so it needs no permission on it and disturbs nobody. */
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

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
