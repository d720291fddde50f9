import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { fileSystemKind, fileSystemKindOfDirectory, mountOfDevice } from '../../src/platform/filesystem.js';
import { parseMounts, readMounts } from '../../src/platform/mounts.js';
import { bundleSource } from '../support/bundle.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

test('tmpfs is local and named', () => {
  expect(fileSystemKind('/dev/shm')).toEqual({ kind: 'local', name: 'tmpfs' });
});

test('what does not exist yet is judged by its nearest existing ancestor', () => {
  expect(fileSystemKind('/dev/shm/holdfast-none/a/b.lock')).toEqual({ kind: 'local', name: 'tmpfs' });
});

test('a path below a regular file is judged by what holds the file', () => {
  const file = join(testDirectory(), 'file');
  writeFileSync(file, '');
  expect(fileSystemKind(join(file, 'below'))).toEqual(fileSystemKind(file));
});

test('a file system without a name here is unknown, and shows its magic number', () => {
  expect(fileSystemKind('/proc')).toEqual({ kind: 'unknown', name: '0x9fa0' });
});

test('the cached form agrees, and does not remember a directory that is still to be made', () => {
  const directory = join(testDirectory(), 'later');
  const first = fileSystemKindOfDirectory(directory);
  mkdirSync(directory);
  const second = fileSystemKindOfDirectory(directory);
  expect(second).toEqual(fileSystemKind(directory));
  expect(first).not.toBe(second);
  expect(fileSystemKindOfDirectory(directory)).toBe(second);
});

test('overlayfs is local', async () => {
  const filesystem = await bundleSource('platform/filesystem.ts');
  const root = testDirectory();
  for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(root, name));
  const script = `
    mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" "$1/merged" &&
    exec "$2" -p 'JSON.stringify(require(process.argv[1]).fileSystemKind(process.argv[2]))' "$3" "$1/merged"`;
  const child = start('unshare', ['-Urm', 'sh', '-c', script, 'sh', root, process.execPath, filesystem]);
  expect(JSON.parse((await child.exited).stdout)).toEqual({ kind: 'local', name: 'overlay' });
});

const MOUNTINFO = `\
22 27 0:21 / /proc rw,relatime - proc proc rw
65 27 0:300 / /mnt/with\\040space rw shared:1 master:2 - fuse.sshfs me@host:/ rw
66 27 8:17 / /data rw - fuseblk /dev/sdb1 rw
torn line
`;

test('mountinfo is read with optional fields and escaped names', () => {
  expect(parseMounts(MOUNTINFO)[1]).toEqual({
    id: 65,
    device: '0:300',
    mountPoint: '/mnt/with space',
    type: 'fuse.sshfs',
    source: 'me@host:/',
    options: ['rw'],
  });
  expect(parseMounts(MOUNTINFO)).toHaveLength(3);
});

test('a device number finds its mount, with minors above 255 too', () => {
  const mounts = parseMounts(MOUNTINFO);
  expect(mountOfDevice(0x10002cn, mounts)?.type).toBe('fuse.sshfs');
  expect(mountOfDevice(0x811n, mounts)?.type).toBe('fuseblk');
  expect(mountOfDevice(0x812n, mounts)).toBeUndefined();
});

test('the mount of a real device is found', () => {
  const device = statSync('/dev/shm', { bigint: true }).dev;
  expect(mountOfDevice(device, readMounts())?.type).toBe('tmpfs');
});
