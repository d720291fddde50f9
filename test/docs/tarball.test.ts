import { execFileSync } from 'node:child_process';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';

import { read, root } from './blocks.js';

/** The files of the tarball. */
function packed(): string[] {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
  const [report] = JSON.parse(execFileSync('npm', args, { cwd: root, encoding: 'utf8' })) as [
    { files: { path: string }[] },
  ];
  return report.files.map(({ path }) => path);
}

function linksOf(page: string): string[] {
  const prose = read(page).replaceAll(/^```[\s\S]*?^```$/gm, '');
  return [...prose.matchAll(/\]\(([^)\s#]+)/g)]
    .map(([, link = '']) => link)
    .filter((link) => !/^[a-z]+:/.test(link))
    .map((link) => normalize(join(dirname(page), link)).replace(/\/$/, ''));
}

test('the tarball carries the man page, and what README links to', () => {
  const files = packed();
  expect(files).toContain('dist/man/holdfast.1');
  const isThere = (target: string): boolean =>
    files.some((file) => file === target || file.startsWith(`${target}/`));
  const pages = ['README.md', ...files.filter((file) => /^docs\/(?!adr|reference\/storm).*\.md$/.test(file))];
  const dead = pages.flatMap((page) =>
    linksOf(page)
      .filter((target) => !isThere(target))
      .map((target) => `${page}: ${target}`),
  );
  // The lab's machines are no use without the repository.
  expect(dead.filter((link) => !link.endsWith(': test/lab'))).toEqual([]);
});
