import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

import { documents, read, root } from './blocks.js';

const INDEX = 'docs/README.md';
const ROOT_PAGES = ['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'];

interface Link {
  /** From the root. */
  readonly target: string;
  readonly anchor: string | undefined;
}

/** Outside of code: relative ones only. */
function linksOf(page: string): Link[] {
  const prose = read(page)
    .replaceAll(/^```[\s\S]*?^```$/gm, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)|^\[[^\]]+\]:\s+(\S+)|\b(?:src|srcset|href)="([^"]+)"/gm)]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => {
      const [path = '', anchor] = link.split('#');
      return { target: path === '' ? page : relative(root, join(root, dirname(page), path)), anchor };
    });
}

/** As GitHub makes them: small letters, no punctuation, hyphens for spaces, a number for a heading that recurs. */
function anchorsOf(page: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of read(page).matchAll(/^#{1,6} (.+)$/gm)) {
    const anchor = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
    let unique = anchor;
    for (let i = 1; anchors.has(unique); i++) unique = `${anchor}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}

function isBroken({ target, anchor }: Link): boolean {
  if (target.startsWith('..') || !existsSync(join(root, target))) return true;
  return anchor !== undefined && !(target.endsWith('.md') && anchorsOf(target).has(anchor));
}

test.each([...ROOT_PAGES, ...documents()])('%s has no broken link', (page) => {
  expect(linksOf(page).filter(isBroken)).toEqual([]);
});

test('the index of docs/ has every page', () => {
  const linked = new Set(linksOf(INDEX).map(({ target }) => target));
  // The folder of decisions is linked as one.
  const pages = documents().filter((page) => page !== INDEX && !linked.has(dirname(page)));

  expect(pages.filter((page) => !linked.has(page))).toEqual([]);
});

test('every protocol is in the index, and README leads to it', () => {
  const linked = new Set(linksOf(INDEX).map(({ target }) => target));
  const protocols = readdirSync(`${root}/src`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('PROTOCOL.md') && statSync(`${root}/src/${name}`).isFile())
    .map((name) => `src/${name}`);

  expect(protocols.filter((protocol) => !linked.has(protocol))).toEqual([]);
  expect(linksOf('README.md').map(({ target }) => target)).toContain(INDEX);
});
