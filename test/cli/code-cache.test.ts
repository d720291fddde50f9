import { execFileSync } from 'node:child_process';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import { expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';

const bin = (name: string): string => fileURLToPath(new URL(`../../dist/bin/${name}`, import.meta.url));

// A cache that does not fit is refused in silence, and every run starts some milliseconds later.
it('the code cache of run fits the node that built it, and the script that the launcher makes', () => {
  const launcher = readFileSync(bin('holdfast.cjs'), 'utf8');
  const [, head = ''] = /const HEAD = '(.*)';/.exec(launcher) ?? [];
  expect(head).toContain('importFile');
  const filename = bin('run.cjs');
  const cache = readFileSync(bin('run.cache'));
  const script = new vm.Script(`${head}${readFileSync(filename, 'utf8')}\n})`, {
    filename,
    cachedData: cache.subarray(cache.indexOf('\n') + 1),
  });
  expect(script.cachedDataRejected).toBe(false);
});

// Each further file, and node:fs/promises, takes every run a millisecond; the bundler splits the entry without a word.
it('run needs one file, and the rarer ones only when asked for', () => {
  const requires = [
    ...readFileSync(bin('run.cjs'), 'utf8').matchAll(/(\(\)=>)?require\(["'`]([^"'`]+)["'`]\)/g),
  ];
  const eager = requires.flatMap(([, lazily, id]) => (lazily === undefined ? [id] : []));
  expect(requires.length).toBeGreaterThan(eager.length);
  expect(eager.filter((id) => id?.startsWith('./') === true || id === 'node:fs/promises')).toEqual([]);
});

// node:tty alone, with the sockets and streams behind it, takes as long as everything that run does by itself.
it('an uncontended run loads no module of Node that is slow to load', () => {
  const directory = testDirectory();
  const preload = join(directory, 'preload.cjs');
  writeFileSync(
    preload,
    "process.on('exit', () => require('node:fs').writeSync(1, process.moduleLoadList.join('\\n')));",
  );
  const loadedBy = (...args: string[]): string[] =>
    execFileSync(process.execPath, ['--require', preload, ...args], { encoding: 'utf8' }).split('\n');
  const always = loadedBy('-e', '0');
  const loaded = loadedBy(bin('holdfast.cjs'), 'run', join(directory, 'x'), 'true');
  const more = loaded.filter((name) => name.startsWith('NativeModule ') && !always.includes(name));
  const names = more.map((name) => name.slice('NativeModule '.length)).toSorted();
  const slow =
    /^(?:tty|net|stream|crypto|child_process|worker_threads|http|url|module|readline|internal\/modules\/esm)/;
  expect(names.filter((name) => slow.test(name))).toEqual([]);
  expect(names).toContain('diagnostics_channel');
});

/** Runs the launcher after `prelude` and tells whether it handed a cache to V8. */
function isCacheUsed(prelude: string): boolean {
  const preload = join(testDirectory(), 'preload.cjs');
  const spy = `const vm = require('node:vm');
    const { Script } = vm;
    vm.Script = class extends Script {
      constructor(code, options) {
        process.stdout.write(options.cachedData === undefined ? 'none' : 'cache');
        super(code, options);
      }
    };`;
  writeFileSync(preload, `${spy}\n${prelude}`);
  const args = ['--require', preload, bin('holdfast.cjs'), 'run', '--help'];
  return execFileSync(process.execPath, args, { encoding: 'utf8' }).startsWith('cache');
}

// V8 looks at its version and flags only: on arm64 it took a cache made on x64, and crashed.
it('the code cache of run is for the very build of Node that made it', () => {
  expect(isCacheUsed('')).toBe(true);
  expect(isCacheUsed("Object.defineProperty(process, 'arch', { value: 'arm64' });")).toBe(false);
  expect(isCacheUsed("Object.defineProperty(process, 'config', { value: {} });")).toBe(false);
});

it('nothing in the bundle imports by itself, which a script may not', () => {
  expect(readFileSync(bin('run.cjs'), 'utf8')).not.toMatch(/\bimport\(/);
});

it('the launcher can be executed as it is', () => {
  expect(statSync(bin('holdfast.cjs')).mode & 0o111).toBe(0o111);
});
