#!/usr/bin/env node
const fs = process.getBuiltinModule('node:fs');
const path = process.getBuiltinModule('node:path');
const vm = process.getBuiltinModule('node:vm');

const args = process.argv.slice(2);

/**
 * USR1 ends this process, as it ends any other, instead of opening Node's inspector: with the last listener the
 * default action of the signal is back. A wait and a command have listeners of their own.
 */
function withoutInspector(): void {
  const ignore = (): void => undefined;
  process.on('SIGUSR1', ignore).off('SIGUSR1', ignore);
}

/**
 * At exit Node restores each terminal that it was started on, and aborts where the terminal has hung up meanwhile. It
 * leaves out what is closed. Nothing of this process is lost: writing to a terminal is done when the write returns.
 */
function closeTerminals(): void {
  for (const fd of [0, 1, 2]) {
    try {
      if (fs.fstatSync(fd).isCharacterDevice()) fs.closeSync(fd);
    } catch {
      // Closed already.
    }
  }
}

if (process.platform !== 'win32') {
  withoutInspector();
  process.once('exit', closeTerminals);
}

/** As node wraps its own, and the way to what stays outside the bundle. scripts/code-cache.mjs has the same. */
const HEAD = '(function (exports, require, module, __filename, __dirname, importFile) { ';
const TAIL = '\n})';

/**
 * As `require('./run.cjs')` would, but for the code cache. The files that the bundle loads later require it in their
 * turn, and must get this very module.
 */
function loadRun(): { run(words: readonly string[]): Promise<number> } {
  const filename = path.join(__dirname, 'run.cjs');
  const script = new vm.Script(HEAD + fs.readFileSync(filename, 'utf8') + TAIL, {
    filename,
    cachedData: readCache(path.join(__dirname, 'run.cache')),
  });
  // The class itself: node:module would load what customizes loading.
  const loaded = new (module.constructor as new (id: string) => NodeJS.Module)(filename);
  loaded.filename = filename;
  // Bun's constructor makes none.
  loaded.exports ??= {};
  require.cache[filename] = loaded;
  const body = script.runInThisContext() as (...names: unknown[]) => void;
  const importFile = (specifier: string): Promise<unknown> => import(specifier);
  // Bun's modules have no require() of their own.
  const required =
    (loaded.require as NodeJS.Require | undefined)?.bind(loaded) ??
    process.getBuiltinModule('node:module').createRequire(filename);
  body.call(loaded.exports, loaded.exports, required, loaded, filename, __dirname, importFile);
  loaded.loaded = true;
  return loaded.exports as { run(words: readonly string[]): Promise<number> };
}

/**
 * The cache, if this very build of Node made it. V8 compares its version and flags only: it takes a cache of another
 * architecture, and crashes in it.
 */
function readCache(file: string): Buffer | undefined {
  try {
    const data = fs.readFileSync(file);
    const build = `${JSON.stringify([process.platform, process.arch, process.versions, process.config])}\n`;
    return data.toString('utf8', 0, build.length) === build ? data.subarray(build.length) : undefined;
  } catch {
    return undefined;
  }
}

/** See docs/adr/0061: `run` is bundled and carries V8's code cache; other commands are worth some milliseconds more. */
if (args[0] === 'run') {
  void loadRun()
    .run(args.slice(1))
    .then((code) => {
      process.exitCode = code;
      // Nothing is left to do, and stderr is written at once but on Windows: no need to wind the event loop down.
      if (process.platform !== 'win32') process.exit();
    });
} else {
  void import('../cli/main.js').then(async ({ main }) => {
    process.exitCode = await main(args);
  });
}
