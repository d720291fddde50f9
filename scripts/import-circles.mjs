// Finds circles of imports in src/, also those through types and through import(): `npm run check:circles`.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../src', import.meta.url));
/** `from './x.js'`, `import './x.js'` and `import('./x.js')`, whatever stands between the words and the quote. */
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*(?:\/\*[^*]*\*\/\s*)?)'(\.[^']*)'/g;

const imports = new Map();
for (const name of readdirSync(ROOT, { recursive: true })) {
  if (!/\.[cm]?ts$/.test(name)) continue;
  const path = join(ROOT, name);
  const text = readFileSync(path, 'utf8').replaceAll(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, '');
  const targets = [...text.matchAll(IMPORT)].map(([, to]) => join(dirname(path), to.replace(/js$/, 'ts')));
  imports.set(path, targets);
}

/** The first circle that is reached from `path`, as a list of files; undefined when there is none. */
function circleFrom(path, trail, done) {
  if (trail.includes(path)) return [...trail.slice(trail.indexOf(path)), path];
  if (done.has(path)) return undefined;
  for (const next of imports.get(path) ?? []) {
    const circle = circleFrom(next, [...trail, path], done);
    if (circle !== undefined) return circle;
  }
  done.add(path);
  return undefined;
}

const done = new Set();
for (const path of imports.keys()) {
  const circle = circleFrom(path, [], done);
  if (circle === undefined) continue;
  console.error(`A circle of imports: ${circle.map((file) => relative(ROOT, file)).join(' -> ')}`);
  process.exit(1);
}
