// What a program looks like before and after it imports the package, and after it used it.
const [path, action] = process.argv.slice(2);
const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
const look = () => ({
  // Node's own reading of modules comes and goes.
  resources: process
    .getActiveResourcesInfo()
    .filter((kind) => !/^(CloseReq|FSReq)/.test(kind))
    .toSorted(),
  listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
  globals: Object.getOwnPropertyNames(globalThis).length,
  exitCode: process.exitCode ?? null,
  umask: process.umask(),
});

// The first write opens what node keeps for its standard output.
say('start');
const before = look();
const { acquire, tryAcquire } = await import('../../dist/index.js');
const imported = look();
const guard = await acquire(path);
await tryAcquire(path);
const canceled = new AbortController();
const waiting = acquire(path, { signal: canceled.signal, onWait: () => {} }).catch(() => {});
canceled.abort();
await waiting;
await guard.release();
await new Promise((resolve) => setImmediate(resolve));
say({ before, imported, used: look() });
if (action === 'hold') {
  await acquire(path);
  say('held');
  setInterval(() => {}, 1_000);
}
