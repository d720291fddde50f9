// Compiles dist/bin/run.cjs as the launcher does, runs `run FILE true` once, so that what every run executes is compiled,
// and keeps V8's code cache beside it, behind a line that names the build of Node that it fits. V8 itself checks no more
// than its version and flags: on another architecture it takes the cache, and crashes.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';

const filename = fileURLToPath(new URL('../dist/bin/run.cjs', import.meta.url));
const HEAD = '(function (exports, require, module, __filename, __dirname, importFile) { ';
const TAIL = '\n})';
// V8 keeps the name in the cache, and takes the launcher's when it loads it: no folder of this machine goes out.
const script = new vm.Script(HEAD + readFileSync(filename, 'utf8') + TAIL, { filename: 'run.cjs' });
const module = { exports: {} };
script.runInThisContext()(module.exports, createRequire(filename), module, filename, dirname(filename));

const directory = mkdtempSync(join(tmpdir(), 'holdfast-build-'));
try {
  const code = await module.exports.run(['-q', join(directory, 'lock'), process.execPath, '-e', '0']);
  if (code !== 0) console.warn(`The first run exited with ${code}: the code cache is there, but small.`);
  const build = JSON.stringify([process.platform, process.arch, process.versions, process.config]);
  writeFileSync(
    filename.replace(/cjs$/, 'cache'),
    Buffer.concat([Buffer.from(`${build}\n`), script.createCachedData()]),
  );
} finally {
  rmSync(directory, { recursive: true, force: true });
}
