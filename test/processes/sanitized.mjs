// node sanitized.mjs ADDON DIRECTORY: calls every function of the addon, right and wrong, and prints their names.
import {
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { Worker, isMainThread, workerData } from 'node:worker_threads';

const [addonPath, directory] = isMainThread ? process.argv.slice(2) : workerData;
const target = { exports: {} };
process.dlopen(target, addonPath);
const addon = target.exports;
const [SHARED, CREATE, GATE, QUEUE, DIRECTORY] = [1, 2, 4, 8, 16];
const at = (name) => join(directory, name);
const record = `1 holdfast/1\n${'é'.repeat(200)}`;
const LONG = 'x'.repeat(10_000);
const checkIs = (what, found, wanted) => {
  if (found !== wanted) throw new Error(`${what}: ${found}, not ${wanted}`);
};
const take = (path, flags = CREATE, text = record) => {
  const handle = addon.tryLock(path, flags, 0o600, text);
  if (!(handle > 0)) throw new Error(`tryLock ${path}: ${handle}`);
  return handle;
};
/** `start` gets the callback. */
const called = (start) =>
  new Promise((resolve, reject) => {
    const started = start((...results) => resolve(results));
    if (typeof started === 'number' && started < 0) reject(new Error(`not started: ${started}`));
  });

async function waits() {
  const held = take(at('a'));
  let id;
  const canceled = called((done) => (id = addon.waitLock(at('a'), CREATE, 0o600, record, done)));
  addon.cancelWait(id);
  addon.cancelWait(id);
  checkIs('canceled', (await canceled)[0], -constants.errno.ECANCELED);
  const writer = called((done) => addon.waitLock(at('a'), CREATE | GATE, 0o600, record, done));
  const readers = Array.from({ length: 20 }, () =>
    called((done) => addon.waitLock(at('a'), SHARED | CREATE | GATE, 0o600, undefined, done)),
  );
  addon.unlock(held);
  for (const wait of [writer, ...readers]) addon.unlock((await wait)[0]);
  const fd = openSync(at('fd'), 'w+');
  checkIs('descriptor', addon.tryLockDescriptor(fd, 0), 0);
  checkIs('descriptor', addon.unlockDescriptor(fd), 0);
  checkIs('descriptor', (await called((done) => addon.waitLockDescriptor(fd, 0, done)))[0], 0);
  addon.unlockDescriptor(fd);
  // A thread that ends takes its holds and waits along.
  const other = take(at('b'));
  const worker = new Worker(new URL(import.meta.url), { workerData: [addonPath, directory] });
  await new Promise((resolve) => worker.once('message', resolve));
  await worker.terminate();
  addon.unlock(other);
}

function holds() {
  for (const [path, flags] of [
    [at('c'), CREATE],
    [directory, DIRECTORY],
    [at('d'), SHARED | CREATE | GATE],
    [at('d'), SHARED | CREATE | GATE | QUEUE],
  ]) {
    const handle = take(path, flags);
    checkIs('verify', addon.verify(handle), 1);
    if (!(addon.descriptor(handle) > 2)) throw new Error('descriptor');
    checkIs('unlock', addon.unlock(handle), 0);
    checkIs('stale', addon.unlock(handle), -constants.errno.EBADF);
    addon.verify(handle);
    addon.descriptor(handle);
  }
  const gone = take(at('e'));
  unlinkSync(at('e'));
  checkIs('verify', addon.verify(gone), 0);
  checkIs('abandon', addon.abandon(gone), 0);
  const held = take(at('c'));
  checkIs('blocking', addon.lockBlocking(at('c'), CREATE, 0o600, record, 20), -constants.errno.ETIMEDOUT);
  addon.unlock(held);
  addon.unlock(addon.lockBlocking(at('c'), CREATE, 0o600, record, Infinity));
  for (const text of [undefined, '', 'x'.repeat(8191), 'x'.repeat(8192), 'é'.repeat(5000)]) {
    const handle = addon.tryLock(at('c'), CREATE, 0o600, text);
    if (handle > 0) addon.unlock(handle);
  }
  for (const path of [LONG, `${directory}/${'y'.repeat(300)}`, 'a\0b', '', '/', '.', 'é'.repeat(4000)]) {
    for (const flags of [0, CREATE, DIRECTORY, 3 << 5, 7 << 5]) {
      const handle = addon.tryLock(path, flags, 0o600, record);
      if (handle > 0) addon.unlock(handle);
    }
    addon.openOwn(path, 1, -1, 0);
    addon.openOwn(path, 7, -2, 0);
    addon.groupPermissions(path);
    addon.exchange(path, at('c'));
    addon.isPathLocal(path);
  }
  const many = Array.from({ length: 300 }, (_, n) => take(at(`many-${n}`)));
  for (const handle of many) addon.unlock(handle);
}

function files() {
  mkdirSync(at('.holdfast/locks'), { recursive: true });
  writeFileSync(at('.holdfast/locks/x.lock'), '');
  symlinkSync('x.lock', at('.holdfast/locks/link.lock'));
  for (const [name, depth] of [
    ['x.lock', 3],
    ['link.lock', 3],
    ['none', 3],
    ['x.lock', 0],
    ['x.lock', 99],
  ])
    addon.openOwn(at(`.holdfast/locks/${name}`), depth, -1, 0);
  for (const path of [at('c'), directory, '/proc/self/fd/0', at('none')]) addon.groupPermissions(path);
  writeFileSync(at('one'), '1');
  writeFileSync(at('two'), '2');
  checkIs('exchange', addon.exchange(at('one'), at('two')), 0);
  checkIs('exchanged', readFileSync(at('one'), 'utf8'), '2');
}

async function durable() {
  const write = (name, data, mode, isCommitted) =>
    called((done) =>
      addon.writeDurable(directory, name, `.${name}.${Math.random()}.tmp`, data, mode, isCommitted, done),
    );
  for (const size of [0, 1, 5_000_000]) {
    checkIs('write', (await write('data', Buffer.alloc(size, 1), -1, true))[0], 0);
    checkIs('written', readFileSync(at('data')).length, size);
  }
  checkIs('mode', (await write('data', Buffer.from('x'), 0o640, true))[0], 0);
  if (!((await write('none/data', Buffer.from('x'), -1, true))[0] < 0))
    throw new Error('written into nothing');
  const temp = `.prepared.tmp`;
  const [, , prepared] = await called((done) =>
    addon.writeDurable(directory, 'data', temp, Buffer.from('prepared'), -1, false, done),
  );
  renameSync(at(temp), at('data'));
  checkIs('finish', (await called((done) => addon.finishDurable(prepared, done)))[0], 0);
  addon.discardDurable(prepared);
  const [, , dropped] = await write('data', Buffer.from('dropped'), -1, false);
  addon.discardDurable(dropped);
  addon.discardDurable(dropped);
  await write('data', Buffer.from('collected'), -1, false);
  globalThis.gc?.();
}

async function appends() {
  const state = () => new BigUint64Array(4);
  const append = (path, data, into, isNew) =>
    called((done) => addon.appendDurable(directory, path, Buffer.from(data), into, isNew, done));
  writeFileSync(at('log'), '');
  const { dev, ino, size, mtimeNs } = statSync(at('log'), { bigint: true });
  const seen = BigUint64Array.from([dev, ino, size, mtimeNs]);
  for (const data of ['one\n', '', 'x'.repeat(3_000_000)]) await append(at('log'), data, seen, false);
  await append(at('log'), 'other state\n', state(), false);
  await append(at('none'), 'x', state(), true);
}

async function programs() {
  const words = (...list) => Buffer.from(list.map((word) => `${word}\0`).join(''));
  const run = (...list) =>
    called((done) => addon.spawn(words(...list), words('A=1', 'B', 'C=é'), new Int32Array([0, 1, 2]), done));
  checkIs('status', (await run('sh', '-c', 'exit 3'))[0], 3 << 8);
  checkIs(
    'none',
    addon.spawn(words('/no/such'), words(), new Int32Array([]), () => undefined),
    -constants.errno.ENOENT,
  );
  checkIs('status', (await run('true', ...Array.from({ length: 2_000 }, (_, n) => `word ${n}`)))[0], 0);
}

function facts() {
  addon.bootTimeMs();
  const held = statSync(at('c'), { bigint: true });
  addon.holdsFile(held.dev, held.ino);
  addon.holdsFile(-1n, 2n ** 64n - 1n);
  for (const pid of [process.pid, 1, 0, -1, 2 ** 31]) addon.descriptorsOf(pid, at('c'));
  for (const pid of [process.pid, 1, 0, -1, 2 ** 31]) {
    addon.processStartTime(pid);
    addon.processProgram(pid);
  }
  addon.pidNamespace();
  addon.bootId();
  addon.processTable();
}

if (!isMainThread) {
  const { parentPort } = await import('node:worker_threads');
  take(at('worker'));
  addon.waitLock(at('b'), CREATE, 0o600, record, () => undefined);
  parentPort.postMessage('ready');
  await new Promise(() => setInterval(() => undefined, 1_000));
} else {
  const used = new Set();
  for (const [name, run] of Object.entries(addon))
    addon[name] = (...words) => (used.add(name), run(...words));
  holds();
  files();
  facts();
  truncateSync(at('c'), 0);
  await waits();
  await durable();
  await appends();
  await programs();
  console.log(JSON.stringify({ used: [...used].sort(), all: Object.keys(target.exports).sort() }));
}
