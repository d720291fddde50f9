import { lstatSync, statSync, statfsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

import { loadNative } from './native.js';
import { formatDevice, type Mount, readMounts } from './mounts.js';

/**
 * `local`: one kernel has it, so its locks are the whole truth. `network`: other kernels reach the same
 * files. `unknown`: cannot be decided here.
 */
export interface FileSystemKind {
  readonly kind: 'local' | 'network' | 'unknown';
  /** `ext4`, `tmpfs`, `nfs`, `cifs`, `smb3`, `fuse.sshfs`, ...; the magic number in hexadecimal if unnamed. */
  readonly name: string;
}

/** f_type of statfs(2), from linux/magic.h and the file systems' own headers. */
const LOCAL_MAGIC: Readonly<Record<number, string>> = {
  0xef53: 'ext4',
  0x01021994: 'tmpfs',
  0x858458f6: 'ramfs',
  0x58465342: 'xfs',
  0x9123683e: 'btrfs',
  0x794c7630: 'overlay',
  0x2fc12fc1: 'zfs',
  0xca451a4e: 'bcachefs',
  0xf2f52010: 'f2fs',
  0x61756673: 'aufs',
  0xf15f: 'ecryptfs',
  0x3153464a: 'jfs',
  0x52654973: 'reiserfs',
  0x4d44: 'vfat',
  0x2011bab0: 'exfat',
  0x5346544e: 'ntfs',
  0x7366746e: 'ntfs3',
  0x482b: 'hfsplus',
  0x73717368: 'squashfs',
  0xe0f5e1e2: 'erofs',
  0x9660: 'iso9660',
};

/** Cluster file systems and the shares of hypervisors count as network: another kernel has the same files. */
const NETWORK_MAGIC: Readonly<Record<number, string>> = {
  0x6969: 'nfs',
  0xff534d42: 'cifs',
  0xfe534d42: 'smb3',
  0x517b: 'smb',
  0x01021997: '9p',
  0x00c36400: 'ceph',
  0x5346414f: 'afs',
  0x73757245: 'coda',
  0x01161970: 'gfs2',
  0x7461636f: 'ocfs2',
  0x0bd00bd0: 'lustre',
  0x47504653: 'gpfs',
  0x786f4256: 'vboxsf',
  0xbacbacbc: 'vmhgfs',
};

const FUSE_MAGIC = 0x65735546;

/** What FUSE servers keep their files where; a server named nowhere here is `unknown`. */
const FUSE_KINDS: Readonly<Record<string, 'local' | 'network'>> = {
  fuseblk: 'local',
  'fuse.fuse-overlayfs': 'local',
  'fuse.bindfs': 'local',
  'fuse.encfs': 'local',
  'fuse.gocryptfs': 'local',
  'fuse.lxcfs': 'local',
  virtiofs: 'network',
  'fuse.sshfs': 'network',
  'fuse.smbnetfs': 'network',
  'fuse.curlftpfs': 'network',
  'fuse.mfs': 'network',
  'fuse.seaweedfs': 'network',
  'fuse.goofys': 'network',
  'fuse.rclone': 'network',
  'fuse.glusterfs': 'network',
  'fuse.ceph-fuse': 'network',
  'fuse.s3fs': 'network',
  'fuse.gcsfuse': 'network',
  'fuse.juicefs': 'network',
  'fuse.davfs': 'network',
  'fuse.gvfsd-fuse': 'network',
  'fuse.vmhgfs-fuse': 'network',
};

/** `\\server\share\x` and its long form `\\?\UNC\server\share\x`. */
const UNC = /^\\\\(?:[^?.]|\?\\UNC\\)/i;
/** The beginning of `\\?\C:\x`, the long form of `C:\x`. */
const LONG_DRIVE = /^\\\\\?\\(?=[a-z]:)/i;

/**
 * What `path` lies on, or would lie on once created: the nearest existing ancestor decides. Elsewhere than on Linux the
 * addon distinguishes local from network by the volume: every spelling of a share is one. Blocks for as long as a dead file
 * server makes statfs(2) block.
 */
export function fileSystemKind(path: string): FileSystemKind {
  const absolute = process.platform === 'win32' ? resolve(path.replace(LONG_DRIVE, '')) : resolve(path);
  if (process.platform === 'win32' && UNC.test(absolute)) return { kind: 'network', name: 'unc' };
  if (process.platform !== 'linux') return kindByAddon(absolute);
  for (let current = absolute; ; current = dirname(current)) {
    try {
      return kindOfMagic(statfsSync(current).type >>> 0, current);
    } catch (error) {
      const isAbsent = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
      if (!isAbsent || current === dirname(current)) return { kind: 'unknown', name: 'unreadable' };
    }
  }
}

function kindByAddon(absolute: string): FileSystemKind {
  const name = process.platform;
  try {
    const native = loadNative();
    for (let current = absolute; ; current = dirname(current)) {
      const isLocal = native.isPathLocal(current);
      if (isLocal !== undefined) return { kind: isLocal ? 'local' : 'network', name };
      if (current === dirname(current)) return { kind: 'unknown', name };
    }
  } catch {
    return { kind: 'unknown', name };
  }
}

const CACHE_LIMIT = 1000;
const kindByDirectory = new Map<string, FileSystemKind>();

/**
 * {@link fileSystemKind} of an absolute directory, remembered for the life of the process: a file system
 * mounted there later goes unnoticed. A directory that does not exist yet is not remembered.
 */
export function fileSystemKindOfDirectory(directory: string): FileSystemKind {
  const cached = kindByDirectory.get(directory);
  if (cached !== undefined) return cached;
  const kind = fileSystemKind(directory);
  if (isThere(directory)) {
    if (kindByDirectory.size >= CACHE_LIMIT) kindByDirectory.clear();
    kindByDirectory.set(directory, kind);
  }
  return kind;
}

/** Not there also when it cannot be looked at, as some spellings of a drive on Windows cannot. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
}

/** File systems of Linux that take `C.json` and `c.json` for one file, and report the name as it was asked for. */
const FOLDING = new Set(['vfat', 'exfat', 'ntfs', 'ntfs3', 'hfsplus', 'cifs', 'smb3', 'smb']);

/** Whether names in `directory` that differ in case only are one; false also when that is not known. */
export function foldsCase(directory: string): boolean {
  if (process.platform === 'linux') return FOLDING.has(fileSystemKindOfDirectory(directory).name);
  try {
    return loadNative().hasCase(directory) === false;
  } catch {
    return false;
  }
}

function kindOfMagic(magic: number, path: string): FileSystemKind {
  if (magic === FUSE_MAGIC) return kindOfFuse(path);
  const local = LOCAL_MAGIC[magic];
  if (local !== undefined) return { kind: 'local', name: local };
  const network = NETWORK_MAGIC[magic];
  if (network !== undefined) return { kind: 'network', name: network };
  return { kind: 'unknown', name: `0x${magic.toString(16)}` };
}

function kindOfFuse(path: string): FileSystemKind {
  const mount = mountOfDevice(statSync(path, { bigint: true }).dev, readMounts());
  const name = mount?.type ?? 'fuse';
  return { kind: FUSE_KINDS[name] ?? (isRemote(mount?.source) ? 'network' : 'unknown'), name };
}

/** `host:/path`, `//host/share` and URLs: what a FUSE server writes there when its files are elsewhere. */
function isRemote(source = ''): boolean {
  return /^(?:\/\/|[^/\s]+:\/)/.test(source);
}

/** For file systems whose `st_dev` is that of their superblock, as FUSE's is. */
export function mountOfDevice(device: bigint, mounts: readonly Mount[]): Mount | undefined {
  const wanted = formatDevice(device);
  return mounts.find((mount) => mount.device === wanted);
}
