// What the tarball carries beside the compiled code: the forms of all commands, the man page made from them, and the
// headers that `holdfast build-addon` needs.
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

import { EXIT_CODE_ROWS } from '../dist/cli/exit-codes.js';
import { manPage } from '../dist/cli/render/man.js';
import { FORMS_FILE } from '../dist/cli/forms.js';
import { loadForms } from '../dist/cli/table.js';

const root = new URL('../', import.meta.url);
const { version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));

const forms = await loadForms();
writeFileSync(FORMS_FILE, `${JSON.stringify(forms)}\n`);

mkdirSync(new URL('dist/man/', root), { recursive: true });
writeFileSync(new URL('dist/man/holdfast.1', root), manPage(version, forms, EXIT_CODE_ROWS));

// What exported pages carry in themselves.
for (const name of ['page.css', 'page.js']) {
  const asset = `cli/view/page/${name}`;
  cpSync(new URL(`src/${asset}`, root), new URL(`dist/${asset}`, root));
}

const api = dirname(createRequire(import.meta.url).resolve('node-api-headers/package.json'));
cpSync(join(api, 'include'), new URL('native/include/', root), { recursive: true });
cpSync(join(api, 'LICENSE'), new URL('native/include/LICENSE', root));

// npx in a clone runs the file itself; npm makes it executable only where it installs the package.
chmodSync(new URL('dist/bin/holdfast.cjs', root), 0o755);

// TypeScript before 5.6 cannot parse a quoted name in an export; it is for require() alone, which types do not see.
for (const folder of ['dist', 'dist/cjs/types']) {
  const declarations = new URL(`${folder}/compat/proper-lockfile/index.d.ts`, root);
  const declared = readFileSync(declarations, 'utf8');
  writeFileSync(declarations, declared.replace(", lockfile as 'module.exports'", ''));
}
