import { execFileSync } from 'node:child_process';
import { cpSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

test('handles are numbers also after 2^33 acquisitions, and go on releasing their locks', () => {
  const copy = testDirectory();
  cpSync(join(ROOT, 'native'), join(copy, 'native'), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  const env = { ...process.env, CFLAGS: '-DFIRST_GENERATION=8589934589' };
  execFileSync(process.execPath, [join(copy, 'native/build.mjs')], { env });
  const addon = join(copy, 'prebuilds', `${process.platform}-${process.arch}`, 'holdfast.node');
  const script = `
    const target = { exports: {} };
    process.dlopen(target, ${JSON.stringify(addon)});
    const { tryLock, unlock, waitLock, cancelWait } = target.exports;
    const path = ${JSON.stringify(join(copy, 'x.lock'))};
    const handles = [];
    for (let i = 0; i < 8; i++) {
      const handle = tryLock(path, 2, 0o600, undefined);
      handles.push([Number.isSafeInteger(handle) && handle > 0, unlock(handle), unlock(handle)]);
    }
    const held = tryLock(path, 2, 0o600, undefined);
    const wait = waitLock(path, 2, 0o600, undefined, (result) => {
      console.log(JSON.stringify({ handles, isWaitId: wait > 0, unlocked: unlock(result) }));
    });
    unlock(held);`;
  const printed = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })) as unknown;
  expect(printed).toEqual({
    handles: Array.from({ length: 8 }, () => [true, 0, -9]),
    isWaitId: true,
    unlocked: 0,
  });
});

test('a wait has a stack beside 300 KB of thread-local storage that other libraries need', () => {
  const directory = testDirectory();
  writeFileSync(
    join(directory, 'tls.c'),
    '__thread char big[300 * 1024];\nchar *touch(void) { return big; }\n',
  );
  const library = join(directory, 'tls.so');
  execFileSync('cc', ['-shared', '-fPIC', '-o', library, join(directory, 'tls.c')]);
  const script = `
    import { acquire } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const path = ${JSON.stringify(join(directory, 'x.lock'))};
    const first = await acquire(path);
    const waiting = acquire(path, { onWait: ({ type }) => type === 'started' && void first.release() });
    await (await waiting).release();
    const controller = new AbortController();
    const held = await acquire(path);
    await acquire(path, { signal: controller.signal, onWait: () => controller.abort() }).catch(({ name }) => console.log(name));
    await held.release();`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '-e', script], {
    env: { ...process.env, LD_PRELOAD: library },
    encoding: 'utf8',
  });
  expect(printed).toBe('AbortError\n');
});
