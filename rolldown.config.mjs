import { readFileSync } from 'node:fs';

import { defineConfig } from 'rolldown';

/** Loaded from dist/ when asked for: all other commands, and the schema library. */
const LAZY = /\/dist\/cli\/(?:main|config)\.js$/;

/** What the TypeScript loader carries with it, so that recipes in TypeScript cost no dependency. */
const STRIPPER = ['sucrase', 'lines-and-columns', 'ts-interface-checker', '@jridgewell/gen-mapping'];

function licenseOf(name) {
  const text = readFileSync(`node_modules/${name}/LICENSE`, 'utf8').replaceAll('*/', '* /').trim();
  return `/*! ${name}\n${text}\n*/`;
}

export default defineConfig([
  /**
   * `holdfast run` as one CommonJS file: 40 small ES modules cost it nearly half of node's own start, the same in
   * one file a tenth.
   */
  {
    input: 'dist/bin/holdfast.js',
    platform: 'node',
    external: (id, _importer, isResolved) => isResolved && LAZY.test(id.replaceAll('\\', '/')),
    makeAbsoluteExternalsRelative: true,
    output: { file: 'dist/bin/holdfast.cjs', format: 'cjs', banner: '#!/usr/bin/env node' },
  },
  {
    input: 'dist/provision/typescript-loader.js',
    platform: 'node',
    output: {
      file: 'dist/provision/typescript-loader.js',
      format: 'esm',
      minify: true,
      banner: STRIPPER.map(licenseOf).join('\n'),
    },
  },
]);
