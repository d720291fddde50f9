import { existsSync, readFileSync } from 'node:fs';

import { defineConfig } from 'rolldown';

/** The packages that the server of the Model Context Protocol carries with it: it is a command, not a dependency. */
const carried = new Set();

/** One banner with their licenses, of those that really went into the file. */
const licenses = {
  name: 'licenses',
  moduleParsed({ id }) {
    const [, name] = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(id.replaceAll('\\', '/')) ?? [];
    if (name !== undefined) carried.add(name);
  },
  renderChunk: (code) =>
    `${[...carried]
      .toSorted((a, b) => (a < b ? -1 : 1))
      .map(licenseOf)
      .join('\n')}\n${code}`,
};

function licenseOf(name) {
  const file = ['LICENSE', 'LICENSE.md', 'license', 'LICENSE.txt']
    .map((base) => `node_modules/${name}/${base}`)
    .find((path) => existsSync(path));
  const text = file === undefined ? '' : readFileSync(file, 'utf8').replaceAll('*/', '* /').trim();
  return `/*! ${name}\n${text}\n*/`;
}

/** The SDK and its parts in one file, in the place of what tsc made of it. */
export default defineConfig({
  input: 'dist/cli/mcp/sdk.js',
  platform: 'node',
  plugins: [licenses],
  output: {
    file: 'dist/cli/mcp/sdk.js',
    format: 'esm',
    codeSplitting: false,
    minify: true,
  },
});
