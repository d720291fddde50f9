import { readFileSync } from 'node:fs';

import { defineConfig } from 'rolldown';

/** What the TypeScript loader carries with it, so that recipes in TypeScript cost no dependency. */
const PARTS = ['sucrase', 'lines-and-columns', 'ts-interface-checker', '@jridgewell/gen-mapping'];

function licenseOf(name) {
  const text = readFileSync(`node_modules/${name}/LICENSE`, 'utf8').replaceAll('*/', '* /').trim();
  return `/*! ${name}\n${text}\n*/`;
}

/** The loader hook with its library in one file, in the place of what tsc made of it. */
export default defineConfig({
  input: 'dist/provision/typescript-loader.js',
  platform: 'node',
  output: {
    file: 'dist/provision/typescript-loader.js',
    format: 'esm',
    minify: true,
    banner: PARTS.map(licenseOf).join('\n'),
  },
});
