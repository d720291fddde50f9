// Builds everything, looks into it, and makes the tarball: node scripts/release.mjs [--out DIR] [--require-all].
// The published package.json has no scripts and no devDependencies: nothing in it could ask for the right to run at an
// installation. What is published for macOS is built and loaded on macOS (see .github/workflows/release.yml, which brings
// all files together first); elsewhere zig cross-builds it, and without --require-all what is missing is named and left out.
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
  ...['prebuilds/linux-x64/holdfast.node', 'prebuilds/linux-x64/holdfast-run'],
];
/** Documentation and schemas, which travel with the code, are half a megabyte of it. */
const LARGEST_UNPACKED_BYTES = 4 * 1024 * 1024;
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish'];

const { values } = parseArgs({
  options: { out: { type: 'string', default: root }, 'require-all': { type: 'boolean', default: false } },
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

function buildPrebuilds() {
  const missing = TARGETS.filter((target) => {
    const command = ['native/build.mjs', target];
    const { status } = spawnSync(process.execPath, command, { cwd: root, stdio: 'pipe', env: withZig() });
    const names = target.startsWith('linux') ? ['holdfast.node', 'holdfast-run'] : ['holdfast.node'];
    return status !== 0 && !names.every((name) => existsSync(join(root, 'prebuilds', target, name)));
  });
  const foreign = TARGETS.filter((target) => target.startsWith('darwin') && !missing.includes(target));
  if (process.platform !== 'darwin' && foreign.length > 0 && !values['require-all'])
    console.error(`Built, not run here: ${foreign.join(', ')}.`);
  if (missing.length === 0) return;
  const message = `Not built here: ${missing.join(', ')}.`;
  if (values['require-all']) fail(message);
  console.error(`${message} They are not in this tarball.`);
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
    ...REQUIRED.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
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
  if (packed.unpackedSize > LARGEST_UNPACKED_BYTES) fail(`${packed.unpackedSize} bytes are too much.`);
  const prebuilt = paths.filter((path) => path.startsWith('prebuilds/')).map((path) => path.split('/')[1]);
  console.error(
    `${packed.filename}: ${packed.files.length} files, ${packed.size} bytes; ${prebuilt.join(', ')}`,
  );
  console.log(join(out, packed.filename));
} finally {
  rmSync(staged, { recursive: true, force: true });
}
