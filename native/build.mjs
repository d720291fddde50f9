// Builds prebuilds/<platform>-<arch>/holdfast.node with a plain C compiler: `node native/build.mjs [target]`.
// In an installed package it is what `holdfast build-addon` runs, for machines that no prebuilt file serves.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const host = `${process.platform}-${process.arch}`;
const target = process.argv.slice(2).find((word) => !word.startsWith('-')) ?? host;
const output = join(here, '..', 'prebuilds', target, 'holdfast.node');
/** The supervisor of `holdfast run`, for Linux only. */
const supervisor = join(here, '..', 'prebuilds', target, 'holdfast-run');

const posix = [
  ...[
    'addon.c',
    'facts_node.c',
    'environment.c',
    'holds.c',
    'lock_posix.c',
    'open_posix.c',
    'gate_posix.c',
    'record_posix.c',
  ],
  ...['interrupt_posix.c', 'facts_posix.c'],
  ...['durable_node.c', 'durable_posix.c', 'append_node.c', 'append_posix.c', 'own_posix.c', 'acl_posix.c'],
];
const windows = [
  'addon.c',
  'facts_node.c',
  'environment.c',
  'holds.c',
  'lock_windows.c',
  'facts_windows.c',
  'path_windows.c',
  'job_windows.c',
  'delay_load_windows.c',
];

// No C library is named, so one file serves glibc and musl: the process that loads it already has one. Without
// stack protector and fortification, because their symbols differ between libraries; without outline atomics,
// because libgcc would have to come along.
const linux = [
  '-fPIC',
  '-shared',
  '-nostdlib',
  '-s',
  '-fno-stack-protector',
  '-U_FORTIFY_SOURCE',
  // Waiting threads may still run our code when the last environment has gone.
  '-Wl,-z,nodelete',
  '-Wl,-z,now',
  '-Wl,--build-id=none',
];

const linuxSources = [...posix, 'spawn_node.c'];

/** Any other machine builds for itself, as its own compiler sees fit. */
const native = {
  compilers: ['cc', 'gcc', 'clang'],
  flags: linux,
  sources: process.platform === 'linux' ? linuxSources : posix,
};

/** Elsewhere than on macOS with zig, which carries Apple's headers and signs what it links: nothing else here can. */
function darwin(arch) {
  const isHere = process.platform === 'darwin';
  const cross = ['cc', '-target', `${arch === 'arm64' ? 'aarch64' : arch}-macos.11.0-none`, '-s'];
  return {
    compilers: [isHere ? 'cc' : 'zig'],
    flags: [
      ...(isHere ? ['-arch', arch] : cross),
      ...['-shared', '-undefined', 'dynamic_lookup', '-Wl,-install_name,@rpath/holdfast.node'],
    ],
    sources: posix,
  };
}

const targets = {
  'linux-x64': { compilers: ['cc', 'x86_64-linux-gnu-gcc'], flags: linux, sources: linuxSources },
  'linux-arm64': {
    compilers: host === 'linux-arm64' ? ['cc'] : ['aarch64-linux-gnu-gcc'],
    flags: [...linux, '-mno-outline-atomics'],
    sources: linuxSources,
  },
  'darwin-x64': darwin('x86_64'),
  'darwin-arm64': darwin('arm64'),
  'win32-x64': {
    compilers: ['x86_64-w64-mingw32-gcc'],
    flags: ['-shared', '-static-libgcc', '-s'],
    sources: windows,
  },
};

function fail(message) {
  console.error(message);
  process.exit(1);
}

function run(command, args) {
  const { error, status } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) fail(`Could not run "${command}": ${error.code}.`);
  if (status !== 0) fail(`Could not build "${output}": ${command} ended with ${status}.`);
}

function isThere(command) {
  return spawnSync(command, ['--version'], { stdio: 'ignore' }).error === undefined;
}

function newestSource() {
  const files = [here, join(here, 'run')].flatMap((folder) =>
    readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() ? join(folder, entry.name) : [],
    ),
  );
  return Math.max(...files.map((file) => statSync(file).mtimeMs));
}

function isFresh(file) {
  return existsSync(file) && statSync(file).mtimeMs > newestSource();
}

/** Of node-api-headers in a clone; the tarball carries a copy of the headers, but not of what Windows needs besides. */
function headers() {
  try {
    return dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
  } catch {
    if (existsSync(join(here, 'include', 'node_api.h'))) return here;
    return fail('Could not build the addon: node-api-headers is not installed. Run "npm install" first.');
  }
}

// Windows binds each import to a file name: node.exe, which delay_load_windows.c resolves to the running program.
function windowsImports(api, directory) {
  return ['js_native_api', 'node_api'].map((name) => {
    const library = join(directory, `${name}.a`);
    run('x86_64-w64-mingw32-dlltool', ['-d', join(api, 'def', `${name}.def`), '-y', library]);
    return library;
  });
}

const recipe = targets[target] ?? (target === host && process.platform !== 'win32' ? native : undefined);
if (!recipe) fail(`Could not build for "${target}": only ${Object.keys(targets).join(', ')} are known.`);
const isForced = process.argv.includes('--force');
/** For tests: with the C library, and checks of addresses and undefined behaviour. Node needs LD_PRELOAD of libasan then. */
const isSanitized = process.argv.includes('--sanitize');
const SANITIZERS = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-fno-omit-frame-pointer',
  '-g',
];
const hasSupervisor = target.startsWith('linux-');
if (!isForced && isFresh(output) && (!hasSupervisor || isFresh(supervisor))) process.exit(0);

const compiler = (target === host && process.env.CC) || recipe.compilers.find(isThere);
if (!compiler) {
  fail(
    `Could not build "${output}": no C compiler (${recipe.compilers.join(', ')}). ` +
      'Install one (Debian: apt-get install gcc; macOS: xcode-select --install) or set CC.',
  );
}

const api = headers();
const directory = dirname(output);
mkdirSync(directory, { recursive: true });
const imports = target.startsWith('win32') ? windowsImports(api, directory) : [];
// A running process may have the old file mapped: replace it, never write into it.
const fresh = `${output}.${process.pid}`;
const FLAGS = ['-std=gnu11', '-D_GNU_SOURCE', '-O2', '-fvisibility=hidden'];
// A user's compiler may warn of what ours does not, and must build all the same.
if (existsSync(join(here, '..', 'test'))) FLAGS.push('-Wall', '-Wextra', '-Werror');
FLAGS.push(...(process.env.CFLAGS?.split(' ').filter(Boolean) ?? []));
if (isSanitized) FLAGS.push(...SANITIZERS, '-DHOSTED');
run(compiler, [
  ...recipe.flags.filter((flag) => !isSanitized || !['-nostdlib', '-s'].includes(flag)),
  ...FLAGS,
  '-I',
  join(api, 'include'),
  '-o',
  fresh,
  ...recipe.sources.map((name) => join(here, name)),
  ...imports,
  ...(imports.length > 0 ? ['-ldelayimp'] : []),
]);
for (const library of imports) rmSync(library);
renameSync(fresh, output);

// On these two it needs no C library at all; elsewhere the system's own does.
const FREESTANDING = ['-static', '-nostdlib', '-ffreestanding', '-fno-pic', '-no-pie', '-Wl,--build-id=none'];
if (hasSupervisor) {
  const program = `${supervisor}.${process.pid}`;
  const isFreestanding = ['linux-x64', 'linux-arm64'].includes(target) && !isSanitized;
  run(compiler, [
    ...FLAGS,
    ...(isSanitized ? [] : ['-s']),
    ...['-fno-stack-protector', '-U_FORTIFY_SOURCE', '-Wl,-z,noexecstack'],
    ...(isFreestanding ? FREESTANDING : []),
    ...(target === 'linux-arm64' ? ['-mno-outline-atomics'] : []),
    ...['-o', program],
    ...['main.c', 'start.c', 'tree.c'].map((name) => join(here, 'run', name)),
  ]);
  renameSync(program, supervisor);
}
