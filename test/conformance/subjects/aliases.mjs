import { linkSync, symlinkSync, unlinkSync } from 'node:fs';
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

function unlinkQuietly(path) {
  try {
    unlinkSync(path);
  } catch {
    // Gone with its folder.
  }
}
