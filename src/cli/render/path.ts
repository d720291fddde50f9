import { relative } from 'node:path';

import { workingDirectory } from '../../platform/working-directory.js';

/** A path, or `lease:PATH`, as the user would type it here. */
export function asTypedHere(address: string): string {
  const [, scheme = '', path = ''] = /^(lease:)?(.*)$/s.exec(address) ?? [];
  const directory = workingDirectory();
  if (directory === undefined) return address;
  const here = relative(directory, path);
  return scheme + (here === '' ? '.' : here.startsWith('..') ? path : here);
}
