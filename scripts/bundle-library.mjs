// Makes one file of all modules that `import 'holdfast'` loads, in place: dist/lib/holdfast.js. 90 small modules cost more
// than half of Node's own start. Each of them stays importable at its path, and all other files of dist import from the
// one file, so that every part of the package shares one instance of each module.
//
// dist/cjs has the same library as CommonJS, for what can load nothing else: jest without --experimental-vm-modules.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { rolldown } from 'rolldown';

import { declarationsOf } from './declarations.mjs';

const root = fileURLToPath(new URL('../', import.meta.url));
const dist = join(root, 'dist');
const LIBRARY = 'lib/holdfast.js';
/** What has been bundled already. */
const BUNDLED = /^(?:bin|cjs|lib)\/|^provision\/typescript-loader\.js$/;

const isPackage = (id, _importer, isResolved) => !isResolved && /^(?!node:)[a-z@]/.test(id);
const nameOf = (path) => relative(dist, path).replaceAll('\\', '/');

/** The modules that dist/index.js imports, directly and indirectly. */
async function eagerModules() {
  const graph = await rolldown({
    input: join(dist, 'index.js'),
    platform: 'node',
    external: isPackage,
    treeshake: false,
    logLevel: 'silent',
  });
  const { output } = await graph.generate({
    codeSplitting: { groups: [{ name: 'eager', tags: ['$initial'] }] },
  });
  return new Set(
    output
      .filter(({ isDynamicEntry }) => !isDynamicEntry)
      .filter(({ name, isEntry }) => isEntry || name === 'eager')
      .flatMap(({ modules }) => Object.keys(modules)),
  );
}

/** Parts that are loaded when they are needed stay in the package also where an application is bundled. */
function importByPackage(code) {
  return code.replaceAll(/\bimport\("\.\.\/([^"]+\.js)"\)/g, 'importPart("$1")');
}

/** Loading node:crypto costs a sixth of the import, and a lock wants 20 random bytes; see src/cli/run/light-crypto.ts. */
const lightCrypto = {
  name: 'light-crypto',
  resolveId: (id) => (id === 'node:crypto' ? join(dist, 'cli/run/light-crypto.js') : undefined),
};

async function bundleLibrary(eager) {
  const bundle = await rolldown({
    input: Object.fromEntries([...eager].map((path) => [nameOf(path).slice(0, -3), path])),
    platform: 'node',
    external: (id, importer, isResolved) =>
      isPackage(id, importer, isResolved) ||
      (isResolved && id.startsWith(dist) && !eager.has(id) && !id.endsWith('light-crypto.js')),
    makeAbsoluteExternalsRelative: true,
    treeshake: false,
    plugins: [lightCrypto, { name: 'import-by-package', renderChunk: importByPackage }],
  });
  await bundle.write({
    dir: dist,
    format: 'esm',
    minifyInternalExports: false,
    entryFileNames: '[name].js',
    chunkFileNames: 'lib/[name].js',
    codeSplitting: {
      groups: [{ name: 'holdfast', test: (id) => eager.has(id) || id.endsWith('light-crypto.js') }],
    },
  });
}

/** The bundler's own runtime, of which nothing is left, still names a module that costs the import a tenth. */
function dropRuntime() {
  const path = join(dist, LIBRARY);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/^import "node:module";\n/, ''));
}

/** The names by which the one file has what a module exports: `{ acquire: 'acquire$1' }`. */
function exportsOf(path) {
  const found = /^export \{ ([^}]*) \} from /m.exec(readFileSync(path, 'utf8'));
  const names = (found?.[1] ?? '').split(', ').map((item) => item.split(' as '));
  return new Map(names.map(([kept, exported = kept]) => [exported, kept]));
}

/** Static imports of modules that are in the one file now, taken from there. */
function importFromLibrary(path, eager) {
  const library = relative(dirname(path), join(dist, LIBRARY)).replaceAll('\\', '/');
  const code = readFileSync(path, 'utf8');
  const changed = code.replaceAll(
    /^(import|export) \{([^}]*)\} from '(\.[^']+)';/gm,
    (statement, keyword, items, from) => {
      const target = resolve(dirname(path), from);
      if (!eager.has(target)) return statement;
      const kept = exportsOf(target);
      const names = items
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
      const taken = names.map((item) => {
        const [name, local = name] = item.split(' as ');
        return kept.get(name) === local ? local : `${kept.get(name)} as ${local}`;
      });
      return `${keyword} { ${taken.join(', ')} } from '${library.startsWith('.') ? library : `./${library}`}';`;
    },
  );
  if (changed !== code) writeFileSync(path, changed);
}

/** `[name in dist/cjs, path in dist]` of each entry of the package. */
function commonJsEntries() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.values(exports).flatMap(({ require: required, default: source }) =>
    required === undefined
      ? []
      : [[required.default.replace(/^\.\/dist\/cjs\/|\.cjs$/g, ''), join(root, source.default)]],
  );
}

/** A compiler takes declarations for those of ES modules, unless a package.json above them says otherwise. */
function declareCommonJs(entries) {
  const types = join(dist, 'cjs/types');
  for (const path of declarationsOf(entries.map(([, source]) => source.replace(/js$/, 'd.ts')))) {
    const copy = join(types, relative(dist, path));
    mkdirSync(dirname(copy), { recursive: true });
    cpSync(path, copy);
  }
  writeFileSync(join(types, 'package.json'), '{ "type": "commonjs" }\n');
  for (const [name, source] of entries) {
    const declared = nameOf(source);
    const isDefault = /^export \{[^}]*\bas default\b/m.test(
      readFileSync(source.replace(/js$/, 'd.ts'), 'utf8'),
    );
    const again = isDefault ? `export { default } from './types/${declared}';\n` : '';
    writeFileSync(join(dist, 'cjs', `${name}.d.cts`), `export * from './types/${declared}';\n${again}`);
  }
}

async function bundleCommonJs() {
  const entries = commonJsEntries();
  const bundle = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: isPackage,
    logLevel: 'silent',
  });
  await bundle.write({
    dir: join(dist, 'cjs'),
    format: 'cjs',
    entryFileNames: '[name].cjs',
    // What a module wants require() to return, as Node itself understands it.
    footer: ({ exports }) =>
      exports.includes('module.exports') ? "module.exports = exports['module.exports'];" : '',
    chunkFileNames: '[name].cjs',
    minify: { compress: true, mangle: { keepNames: true } },
  });
  declareCommonJs(entries);
}

for (const folder of ['lib', 'cjs']) rmSync(join(dist, folder), { recursive: true, force: true });
await bundleCommonJs();
const eager = await eagerModules();
await bundleLibrary(eager);
dropRuntime();
for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
  const path = join(dist, name);
  if (name.endsWith('.js') && !BUNDLED.test(nameOf(path)) && !eager.has(path)) importFromLibrary(path, eager);
}
