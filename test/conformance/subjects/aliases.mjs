import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

let count = 0;

/** The same path through a link to its directory. */
export function throughLinkedDirectory(path) {
  const link = `${dirname(path)}-link-${++count}`;
  symlinkSync(dirname(path), link);
  process.on('exit', () => unlinkQuietly(link));
  return join(link, basename(path));
}

/** A symbolic and a hard link beside a file. */
export function linksTo(path) {
  const links = [`${path}.soft`, `${path}.hard`];
  symlinkSync(basename(path), links[0]);
  linkSync(path, links[1]);
  return links;
}

/** The same path through a bind mount of its directory, and a bind mount of the file itself; none where that is not allowed. */
export function throughMounts(path) {
  if (process.getuid?.() !== 0) return [];
  const [directory, file] = [`${dirname(path)}-mount-${++count}`, `${dirname(path)}-mounted-${count}`];
  mkdirSync(directory);
  writeFileSync(file, '');
  const mounted = [
    [dirname(path), directory],
    [path, file],
  ].filter(([source, target]) => spawnSync('mount', ['--bind', source, target]).status === 0);
  process.on('exit', () => {
    for (const [, target] of mounted) spawnSync('umount', ['--lazy', target]);
    rmSync(directory, { recursive: true, force: true });
    rmSync(file, { force: true });
  });
  return mounted.map(([, target]) => (target === directory ? join(directory, basename(path)) : target));
}

function unlinkQuietly(path) {
  try {
    unlinkSync(path);
  } catch {
    // Gone with its folder.
  }
}
