import { fileURLToPath } from 'node:url';

import { defineConfig } from 'rolldown';

/** Loaded from dist/ when asked for: all other commands, the schema library, backends that talk over a network. */
const LAZY = /\/dist\/(?:cli\/(?:main|config)|backends\/(?:git|etcd|redis|postgres)\/index)\.js$/;

function isExternal(id, _importer, isResolved) {
  // Packages are their user's to install and ours to load, not to copy; node's own modules are no packages.
  if (!isResolved) return /^(?!node:)[a-z@]/.test(id);
  return LAZY.test(id.replaceAll('\\', '/'));
}

/** What every run executes gets randomness without the rest of node:crypto; see src/cli/run/light-crypto.ts. */
const lightCrypto = {
  name: 'light-crypto',
  resolveId(id, importer) {
    const isOnFastPath = /\/dist\/(?:core|locks|backends\/flock)\//.test(
      (importer ?? '').replaceAll('\\', '/'),
    );
    return id === 'node:crypto' && isOnFastPath
      ? fileURLToPath(new URL('dist/cli/run/light-crypto.js', import.meta.url))
      : undefined;
  },
};

/** A script of node:vm may not import by itself: what stays outside the bundle comes by way of the launcher. */
const importByLauncher = {
  name: 'import-by-launcher',
  renderChunk: (code, chunk) => (chunk.isEntry ? code.replaceAll(/\bimport\(/g, 'importFile(') : null),
};

/**
 * `holdfast run` as one CommonJS file: 40 small ES modules cost it nearly half of node's own start, the same in
 * one file a tenth. What only a run with trouble needs lies in a few files beside it.
 */
export default defineConfig({
  input: 'dist/bin/run.js',
  // What the rarer files share with the entry stays in it, as exports more than it has in the source.
  preserveEntrySignatures: 'allow-extension',
  platform: 'node',
  external: isExternal,
  plugins: [lightCrypto, importByLauncher],
  makeAbsoluteExternalsRelative: true,
  output: {
    dir: 'dist/bin',
    entryFileNames: '[name].cjs',
    chunkFileNames: 'run-[name].cjs',
    format: 'cjs',
    // Names stay, for the stack of an error that nobody foresaw.
    minify: { compress: true, mangle: { keepNames: true } },
  },
});
