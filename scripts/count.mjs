// `node scripts/count.mjs [CHECKOUT]`: the figures of src, for a note that compares two states of the tree.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ROOT = resolve(process.argv[2] ?? join(import.meta.dirname, '..'));
const SRC = join(ROOT, 'src');
const SMALL_LINES = 30;
const IMPORT = /(?:\bfrom\s*|\bimport\s*\(?\s*)'(\.[^']*)'/g;

const files = readdirSync(SRC, { recursive: true })
  .filter((name) => /\.[cm]?ts$/.test(name))
  .map((name) => join(SRC, name));
const texts = new Map(files.map((path) => [path, readFileSync(path, 'utf8')]));
const lines = [...texts.values()].map((text) => text.split('\n').length - 1).toSorted((a, b) => a - b);

/** Each file's imports, types and `import()` included. */
const imports = new Map(
  [...texts].map(([path, text]) => {
    const code = text.replaceAll(/^\s*(?:\/\/|\*|\/\*\*).*$/gm, '');
    const targets = [...code.matchAll(IMPORT)].map(([, to]) => join(dirname(path), to.replace(/js$/, 'ts')));
    return [path, targets.filter((target) => existsSync(target))];
  }),
);

/** Groups of files each of which reaches the others: Tarjan's algorithm. */
function circles() {
  const [index, low, stack, found] = [new Map(), new Map(), [], []];
  const visit = (path) => {
    index.set(path, index.size);
    low.set(path, index.get(path));
    stack.push(path);
    for (const next of imports.get(path) ?? []) {
      if (!index.has(next)) visit(next);
      if (stack.includes(next)) low.set(path, Math.min(low.get(path), low.get(next)));
    }
    if (low.get(path) !== index.get(path)) return;
    const group = stack.splice(stack.indexOf(path));
    if (group.length > 1 || imports.get(path)?.includes(path)) found.push(group);
  };
  for (const path of imports.keys()) if (!index.has(path)) visit(path);
  return found;
}

function unusedSuppressions() {
  const oxlint = join(import.meta.dirname, '../node_modules/.bin/oxlint');
  const args = [
    '-c',
    'oxlint.config.mjs',
    '--type-aware',
    '--report-unused-disable-directives',
    '-f',
    'json',
  ];
  const { stdout, stderr } = spawnSync(oxlint, [...args, 'src'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (!stdout.startsWith('{')) throw new Error(`oxlint did not run in ${ROOT}: ${stderr}${stdout}`);
  return JSON.parse(stdout).diagnostics.filter(({ message }) => message.startsWith('Unused oxlint-')).length;
}

const figures = {
  files: files.length,
  lines: lines.reduce((sum, count) => sum + count, 0),
  'median of lines': lines[Math.floor(lines.length / 2)],
  [`files below ${SMALL_LINES} lines`]: lines.filter((count) => count < SMALL_LINES).length,
  'longest file': lines.at(-1),
  'import circles': circles().length,
  'unused suppressions': unusedSuppressions(),
};
for (const [name, figure] of Object.entries(figures)) console.log(`${name.padEnd(24)}${figure}`);
