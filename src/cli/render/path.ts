import { relative } from 'node:path';

/** A path, or `lease:PATH`, as the user would type it here. */
export function asTypedHere(address: string): string {
  const [, scheme = '', path = ''] = /^(lease:)?(.*)$/s.exec(address) ?? [];
  const here = relative(process.cwd(), path);
  return scheme + (here === '' ? '.' : here.startsWith('..') ? path : here);
}
