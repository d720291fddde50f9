import { fileURLToPath } from 'node:url';

import { defineConfig } from 'rolldown';

/** Loaded from dist/ when asked for: all other commands, the schema library, backends that talk over a network. */
const LAZY =
  /\/dist\/(?:cli\/(?:main|config)|backends\/(?:(?:git|etcd|redis|postgres|s3)\/index|engine\/answer-in-time))\.js$/;

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
  renderChunk: (code, chunk) =>
    chunk.name === 'run' && !chunk.isEntry ? code.replaceAll(/\bimport\(/g, 'importFile(') : null,
};

/** The entry only passes on what the file of the group has; the launcher loads that one. */
const dropEntry = {
  name: 'drop-entry',
  generateBundle(_options, bundle) {
    for (const [file, { isEntry }] of Object.entries(bundle)) if (isEntry === true) delete bundle[file];
  },
};

/**
 * `holdfast run` as one CommonJS file: 40 small ES modules cost it nearly half of node's own start, the same in
 * one file a tenth. What only a run with trouble needs lies in a few files beside it.
 */
export default defineConfig({
  input: 'dist/bin/run.js',
  platform: 'node',
  external: isExternal,
  plugins: [lightCrypto, importByLauncher, dropEntry],
  makeAbsoluteExternalsRelative: true,
  output: {
    dir: 'dist/bin',
    // Everything that every run loads is one file, whatever the rarer ones share with it. Left to itself
    // the bundler splits it.
    codeSplitting: { groups: [{ name: 'run', tags: ['$initial'] }] },
    minifyInternalExports: false,
    entryFileNames: 'entry.cjs',
    chunkFileNames: ({ name }) => (name === 'run' ? 'run.cjs' : `run-${name}.cjs`),
    format: 'cjs',
    // Names stay, for the stack of an error that nobody foresaw.
    minify: { compress: true, mangle: { keepNames: true } },
  },
});
