// `npm run api` writes docs/reference/api/. It fails if a public name lacks its words; with --gaps it only looks for
// those, with --check it fails also if a page is out of date.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as prettier from 'prettier';

import { gapsOf } from './gaps.mjs';
import { entriesOf, readApi, root } from './read.mjs';
import { pageNameOf, renderPage } from './render.mjs';

const folder = join(root, 'docs/reference/api');
const [, , flag] = process.argv;
const api = readApi(entriesOf(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports));
const problems = gapsOf(api).map(({ what, where, gap }) => `${where}: ${what}: ${gap}`);

if (flag !== '--gaps') {
  const pages = await renderAll();
  if (flag !== '--check') write(pages);
  else
    problems.push(...outdated(pages).map((name) => `docs/reference/api/${name} is out of date: npm run api`));
}
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.stderr.write(
  `${api.reduce((sum, { exports }) => sum + exports.length, 0)} names, ${problems.length} gaps\n`,
);
if (problems.length > 0) process.exitCode = 1;

async function renderAll() {
  const homes = new Map(
    api.toReversed().flatMap(({ name, exports }) => exports.map((one) => [one.name, name])),
  );
  const pageOf = (target, entry) => {
    const isHere = api.find(({ name }) => name === entry).exports.some(({ name }) => name === target);
    const home = isHere ? entry : homes.get(target);
    return home && pageNameOf(home);
  };
  const texts = new Map(api.map((entry) => [pageNameOf(entry.name), renderPage(entry, pageOf)]));
  const config = await prettier.resolveConfig(join(folder, 'page.md'));
  for (const [name, text] of texts)
    texts.set(name, await prettier.format(text, { ...config, parser: 'markdown' }));
  return texts;
}

function outdated(pages) {
  const present = readdirSync(folder);
  const isSame = (name) =>
    present.includes(name) && readFileSync(join(folder, name), 'utf8') === pages.get(name);
  return [
    ...[...pages.keys()].filter((name) => !isSame(name)),
    ...present.filter((name) => !pages.has(name)),
  ];
}

function write(pages) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of pages) writeFileSync(join(folder, name), text);
}
