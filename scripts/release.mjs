// Builds everything, looks into it, and makes the tarball: node scripts/release.mjs [--out DIR] [--partial].
// The published package.json has no scripts and no devDependencies: nothing in it could ask for the right to run at an
// installation. It has a file for each of the five platforms, or there is no tarball: what could not be built is named, with
// what its compiler said. Only --partial leaves it out. What is published for macOS is built and loaded on macOS (see
// .github/workflows/release.yml, which brings all files together first); elsewhere zig cross-builds it.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { declarationsOf } from './declarations.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const TARGETS = ['linux-x64', 'linux-arm64', 'win32-x64', 'darwin-arm64', 'darwin-x64'];
/** Not in the node_modules of a user: sources, tests, what was left lying about. */
const FORBIDDEN = /^(?:test|bench|scripts|\.|src\/(?!.*PROTOCOL\.md$))|\.(?:map|tgz|log|tsbuildinfo)$/;
const REQUIRED = [
  ...['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md'],
  ...['dist/index.js', 'dist/index.d.ts', 'dist/bin/holdfast.cjs', 'dist/man/holdfast.1'],
  ...['native/build.mjs', 'native/addon.c', 'native/run/main.c', 'native/include/node_api.h'],
];
/** What runs, and what is read: documentation with the API reference, schemas, examples. */
const LARGEST_CODE_BYTES = 4 * 1024 * 1024;
const LARGEST_TEXT_BYTES = 1024 * 1024;
const TEXT = /^(?:docs|schemas|examples)\/|\.md$/;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

const { values } = parseArgs({
  options: { out: { type: 'string', default: root }, partial: { type: 'boolean', default: false } },
});

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args, cwd = root) {
  return execFileSync(command, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

/** zig from the packages of test/package, where it is installed; it looks for its headers beside itself otherwise. */
function withZig() {
  const modules = join(root, 'test', 'package', 'node_modules');
  const library = join(modules, '@zigc', 'lib');
  if (!existsSync(library)) return process.env;
  const caches = join(tmpdir(), 'holdfast-zig');
  return {
    ...process.env,
    PATH: `${process.env.PATH}:${join(modules, '.bin')}`,
    ZIG_LIB_DIR: library,
    ZIG_GLOBAL_CACHE_DIR: caches,
    ZIG_LOCAL_CACHE_DIR: caches,
  };
}

/** What a target's files are; the supervisor of `run` is Linux's alone. */
function filesOf(target) {
  const names = target.startsWith('linux') ? ['holdfast.node', 'holdfast-run'] : ['holdfast.node'];
  return names.map((name) => join('prebuilds', target, name));
}

/** Builds the files of a target; why not, if not all are there then. */
function whyMissing(target) {
  const command = ['native/build.mjs', target];
  const built = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8', env: withZig() });
  // Files that were brought here stand for what this machine has no compiler for; for code that does not compile, none does.
  const isBroken = built.status !== 0 && !built.stderr.includes('no C compiler');
  const missing = filesOf(target).filter((path) => isBroken || !existsSync(join(root, path)));
  if (missing.length === 0) return undefined;
  return `${missing.join(', ')}: ${built.stderr.trim() || 'not built'}`;
}

function buildPrebuilds() {
  const missing = TARGETS.flatMap((target) => whyMissing(target) ?? []);
  if (missing.length > 0) {
    const list = missing.map((line) => `\n  ${line}`).join('');
    const next = 'Run scripts/setup-release (Debian), and npm install --prefix test/package for zig.';
    if (!values.partial) fail(`Not built, so there is no tarball:${list}\n${next}`);
    console.error(`Not built, and not in this tarball:${list}`);
  }
  const foreign = TARGETS.filter(
    (target) => target.startsWith('darwin') && existsSync(join(root, filesOf(target)[0])),
  );
  if (process.platform !== 'darwin' && foreign.length > 0) {
    console.error(`For macOS, not run here: ${foreign.join(', ')}.`);
  }
}

function manifest() {
  const published = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  delete published.scripts;
  delete published.devDependencies;
  return published;
}

/** Of what can be imported, and of what their declarations name: those of other modules would describe what cannot be imported. */
function neededDeclarations() {
  const exported = exportedFiles(manifest()).filter((path) => path.endsWith('.d.ts'));
  return declarationsOf(exported.map((path) => join(root, path)));
}

function stage() {
  const [{ files: packed }] = JSON.parse(run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts']));
  const needed = neededDeclarations();
  const files = packed.filter(
    ({ path }) => !/^dist\/(?!cjs\/).*\.d\.c?ts$/.test(path) || needed.has(join(root, path)),
  );
  const staged = mkdtempSync(join(tmpdir(), 'holdfast-release-'));
  for (const { path } of files) {
    mkdirSync(dirname(join(staged, path)), { recursive: true });
    cpSync(join(root, path), join(staged, path));
  }
  writeFileSync(join(staged, 'package.json'), `${JSON.stringify(manifest(), undefined, 2)}\n`);
  return { staged, paths: files.map(({ path }) => path) };
}

function examine(staged, paths) {
  const problems = [
    ...[...REQUIRED, ...(values.partial ? [] : TARGETS.flatMap(filesOf))]
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is missing`),
    ...paths.filter((path) => FORBIDDEN.test(path)).map((path) => `${path} does not belong into it`),
    ...exportedFiles(manifest()).flatMap((path) =>
      paths.includes(path) ? [] : `${path} is exported and missing`,
    ),
    ...INSTALL_SCRIPTS.filter((name) => manifest().scripts?.[name] !== undefined).map(
      (name) => `there is an install script: ${name}`,
    ),
    ...paths
      .filter((path) => readFileSync(join(staged, path)).includes(root))
      .map((path) => `${path} names a folder of this machine`),
  ];
  if (problems.length > 0) fail(problems.join('\n'));
}

function exportedFiles(published) {
  const targetsOf = (entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry).flatMap(targetsOf);
  return targetsOf(published.exports).map((target) => target.replace(/^\.\//, ''));
}

run('npm', ['run', 'build']);
buildPrebuilds();
const { staged, paths } = stage();
try {
  examine(staged, paths);
  const out = resolve(values.out);
  mkdirSync(out, { recursive: true });
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out], staged),
  );
  const sizeOf = (isMeant) =>
    packed.files.reduce((sum, { path, size }) => (isMeant(path) ? sum + size : sum), 0);
  const textBytes = sizeOf((path) => TEXT.test(path));
  const codeBytes = packed.unpackedSize - textBytes;
  if (codeBytes > LARGEST_CODE_BYTES) fail(`${codeBytes} bytes of code are too much.`);
  if (textBytes > LARGEST_TEXT_BYTES) fail(`${textBytes} bytes of documentation are too much.`);
  const prebuilt = paths.filter((path) => path.startsWith('prebuilds/')).map((path) => path.split('/')[1]);
  console.error(
    `${packed.filename}: ${packed.files.length} files, ${packed.size} bytes; ${prebuilt.join(', ')}`,
  );
  console.log(join(out, packed.filename));
} finally {
  rmSync(staged, { recursive: true, force: true });
}
