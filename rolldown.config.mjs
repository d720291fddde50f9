import { fileURLToPath } from 'node:url';

import { defineConfig } from 'rolldown';

/** Loaded from dist/ when asked for: all other commands, and the schema library. */
const LAZY = /\/dist\/cli\/(?:main|config)\.js$/;

/**
 * `holdfast run` as one CommonJS file: 40 small ES modules cost it nearly half of node's own start, the same in
 * one file a tenth.
 */
export default defineConfig({
  input: 'dist/bin/holdfast.js',
  platform: 'node',
  external: (id, _importer, isResolved) => isResolved && LAZY.test(id.replaceAll('\\', '/')),
  resolve: { alias: { 'node:crypto': fileURLToPath(new URL('dist/bin/light-crypto.js', import.meta.url)) } },
  makeAbsoluteExternalsRelative: true,
  output: {
    file: 'dist/bin/holdfast.cjs',
    format: 'cjs',
    banner: '#!/usr/bin/env node',
    minify: { compress: true, mangle: false },
  },
});
