import { fork, spawn, type ChildProcess } from 'node:child_process';
import nodeFs, {
  existsSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, onTestFinished, test } from 'vitest';

import * as compat from '../../dist/compat/proper-lockfile/index.js';
import { tryAcquire, lockFor, withWriteLock } from '../../dist/index.js';
import { testDirectory } from '../support/directory.js';
import { canMount, smallInodes } from '../support/mounts.js';
import { eventually } from '../support/processes.js';

type Api = typeof compat;
const real = createRequire(import.meta.url)('proper-lockfile') as Api;

const fixture = (name: string): string => fileURLToPath(new URL(`fixtures/${name}.mjs`, import.meta.url));

function dataFile(): string {
  const file = join(testDirectory(), 'data.json');
  writeFileSync(file, '0');
  return file;
}

const nextMessage = (child: ChildProcess): Promise<unknown> =>
  new Promise((resolve) => child.once('message', resolve));

async function holder(kind: 'real' | 'compat', file: string, ...rest: string[]): Promise<ChildProcess> {
  const child = fork(fixture('hold'), [kind, file, ...rest]);
  onTestFinished(() => void child.kill('SIGKILL'));
  expect(await nextMessage(child)).toBe('held');
  return child;
}

/** Half of the processes use the real package, half ours; not one increment may be lost. */
export async function countTogether(file: string, processes: number, count: number): Promise<number> {
  const children = Array.from({ length: processes }, (_, n) =>
    spawn(process.execPath, [fixture('increment'), n % 2 === 0 ? 'real' : 'compat', file, String(count)], {
      stdio: ['ignore', 'inherit', 'inherit'],
    }),
  );
  const codes = await Promise.all(
    children.map((child) => new Promise((resolve) => child.once('close', resolve))),
  );
  expect(codes).toEqual(codes.map(() => 0));
  return Number(readFileSync(file, 'utf8'));
}

test('a directory is renewed for the first time half a second after it was made, whatever else is held', async () => {
  const releases = [await compat.lock(dataFile())];
  await pause(300);
  const file = dataFile();
  releases.push(await compat.lock(file));
  const renewedAtMs = (): number => statSync(`${file}.lock`).mtimeMs;
  const madeAtMs = renewedAtMs();
  await eventually('it is renewed', () => renewedAtMs() > madeAtMs);
  // The kernel's clock of file times is up to 10 ms behind.
  expect(renewedAtMs() - madeAtMs).toBeGreaterThanOrEqual(490);
  for (const release of releases) await release();
});

describe('with the real proper-lockfile', () => {
  test('8 processes, half of them old, count exactly', async () => {
    expect(await countTogether(dataFile(), 8, 200)).toBe(1_600);
  });

  test.each([
    ['real', compat],
    ['compat', real],
    ['compat', compat],
  ] as const)('a holder of kind %s keeps the other out until it lets go', async (kind, other) => {
    const file = dataFile();
    const child = await holder(kind, file);

    await expect(other.lock(file)).rejects.toMatchObject({
      code: 'ELOCKED',
      message: 'Lock file is already being held',
    });
    expect(() => other.lockSync(file)).toThrow(expect.objectContaining({ code: 'ELOCKED' }));
    expect([await compat.check(file), await real.check(file)]).toEqual([true, true]);

    child.send('exit');
    const release = await other.lock(file, { retries: { retries: 200, minTimeout: 25, factor: 1 } });
    await release();
    expect([await compat.check(file), await real.check(file)]).toEqual([false, false]);
    expect(existsSync(`${file}.lock`)).toBe(false);
  });

  test('a holder of ours whose event loop stands still is never taken for dead', async () => {
    const file = dataFile();
    await holder('compat', file, 'busy');

    // Longer than `stale`, asked all the time.
    for (const end = Date.now() + 3_500; Date.now() < end; await pause(100)) {
      await expect(real.lock(file, { stale: 2_000 })).rejects.toMatchObject({ code: 'ELOCKED' });
    }
  });

  test('a killed holder of ours delays nobody of ours', async () => {
    const file = dataFile();
    const child = await holder('compat', file);
    const waiting = compat.lock(file, { retries: 10 });
    child.kill('SIGKILL');

    const release = await waiting;

    await release();
  });

  test('a killed old holder is succeeded after its time, and not before', async () => {
    const file = dataFile();
    const child = await holder('real', file);
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('exit', resolve));

    await expect(compat.lock(file, { stale: 2_000 })).rejects.toMatchObject({ code: 'ELOCKED' });
    const release = await compat.lock(file, { stale: 2_000, retries: 10 });

    expect(await real.check(file)).toBe(true);
    await release();
  });
});

describe('a directory of somebody else', () => {
  test('that came in the place of ours is not removed, and its owner is not disturbed', async () => {
    const file = dataFile();
    let compromised: Error | undefined;
    const release = await compat.lock(file, { onCompromised: (error) => (compromised = error) });
    rmdirSync(`${file}.lock`);
    const theirs = await real.lock(file);

    await expect.poll(() => compromised).toMatchObject({ code: 'ECOMPROMISED' });

    await expect(release()).rejects.toMatchObject({ code: 'ERELEASED' });
    expect(existsSync(`${file}.lock`)).toBe(true);
    await theirs();
  });

  test('that is in the way at release is left alone, and the caller hears of it', async () => {
    const file = dataFile();
    const release = await compat.lock(file);
    rmdirSync(`${file}.lock`);
    mkdirSync(`${file}.lock`);

    await expect(release()).rejects.toMatchObject({ code: 'ECOMPROMISED' });

    expect(existsSync(`${file}.lock`)).toBe(true);
  });

  test('is judged by its age, at the least age that anybody may ask for', async () => {
    const file = dataFile();
    mkdirSync(`${file}.lock`);
    const aged = (ms: number): void => {
      const seconds = (Date.now() - ms) / 1_000;
      utimesSync(`${file}.lock`, seconds, seconds);
    };

    aged(1_000);
    await expect(compat.lock(file, { stale: 1 })).rejects.toMatchObject({ code: 'ELOCKED' });
    aged(9_000);
    await expect(compat.lock(file)).rejects.toMatchObject({ code: 'ELOCKED' });
    aged(11_000);
    await (
      await compat.lock(file)
    )();
  });
});

describe('the calls', () => {
  test('behave one by one as those of the real package', async () => {
    for (const api of [real, compat]) {
      const file = dataFile();
      const missing = join(testDirectory(), 'missing');
      const link = `${file}.link`;
      symlinkSync(file, link);

      await expect(api.lock(missing)).rejects.toMatchObject({ code: 'ENOENT' });
      await (
        await api.lock(missing, { realpath: false })
      )();
      await expect(api.unlock(file)).rejects.toMatchObject({ code: 'ENOTACQUIRED' });
      expect(() => api.lockSync(file, { retries: 1 })).toThrow(expect.objectContaining({ code: 'ESYNC' }));

      const release = await api.lock(link);
      expect(api.checkSync(file)).toBe(true);
      await expect(api.lock(file)).rejects.toMatchObject({ code: 'ELOCKED' });
      await release();
      await expect(release()).rejects.toMatchObject({ code: 'ERELEASED' });

      const releaseSync = api.lockSync(file);
      releaseSync();
      expect(releaseSync).toThrow(expect.objectContaining({ code: 'ERELEASED' }));
      api.lockSync(file);
      api.unlockSync(file);
      expect(await api.check(file)).toBe(false);

      const lockfilePath = join(testDirectory(), 'elsewhere');
      await api.lock(file, { lockfilePath });
      expect(existsSync(lockfilePath)).toBe(true);
      expect(await api.check(file, { lockfilePath })).toBe(true);
      await api.unlock(file, { lockfilePath });
      expect(existsSync(lockfilePath)).toBe(false);
    }
  });

  test('take turns with withWriteLock', async () => {
    const file = dataFile();
    const release = await compat.lock(file);
    expect(await tryAcquire(lockFor(file))).toBeUndefined();
    await release();

    await withWriteLock(file, async () => {
      await expect(compat.lock(file)).rejects.toMatchObject({ code: 'ELOCKED' });
    });
  });

  test('refuse a file system of the caller, which the kernel knows nothing of', async () => {
    const elsewhere = { statSync: () => ({ dev: 1, ino: 1 }) };
    const broken = {
      statSync: () => {
        throw new Error('ENOENT');
      },
    };
    for (const fs of [{}, elsewhere, broken])
      await expect(compat.lock(dataFile(), { fs })).rejects.toMatchObject({ code: 'HOLDFAST_UNSUPPORTED' });
  });

  test('accept node:fs, and what wraps it', async () => {
    for (const fs of [nodeFs, { ...nodeFs, extra: 1 }]) {
      const file = dataFile();
      const release = await compat.lock(file, { fs });
      expect(await compat.check(file, { fs })).toBe(true);
      await release();
      compat.lockSync(file, { fs })();
    }
  });

  test('importing installs no listener, and the last release takes away those of holds', async () => {
    const before = process.listenerCount('exit');
    const release = await compat.lock(dataFile());
    await release();
    expect(process.listenerCount('exit')).toBe(before);
  });
});

describe('what has the name of the lock', () => {
  test.each([
    ['a file', (path: string) => writeFileSync(path, 'kept'), 'ENOTDIR'],
    ['a link', (path: string) => symlinkSync('elsewhere', path), 'ENOTDIR'],
    [
      'a directory that is not empty',
      (path: string) => {
        mkdirSync(path);
        writeFileSync(join(path, 'kept'), '');
      },
      'ENOTEMPTY',
    ],
  ])('%s is never moved: held while it is young, an error once it is old', async (_, make, code) => {
    const file = dataFile();
    make(`${file}.lock`);
    const inode = (): number => lstatSync(`${file}.lock`).ino;
    const before = inode();
    await expect(compat.lock(file)).rejects.toMatchObject({ code: 'ELOCKED' });
    lutimesSync(`${file}.lock`, 1, 1);
    await expect(compat.lock(file)).rejects.toMatchObject({ code });
    expect(() => compat.lockSync(file)).toThrow(code);
    expect(inode()).toBe(before);
    expect(readdirSync(dirname(file)).filter((name) => name.startsWith('data.json.lock'))).toEqual([
      'data.json.lock',
    ]);
  });

  test('two paths for the lock of one file are two locks', async () => {
    const file = dataFile();
    const [first, second] = ['first', 'second'].map((name) => join(dirname(file), name));
    const releases = [
      await compat.lock(file, { lockfilePath: first as string }),
      await compat.lock(file, { lockfilePath: second as string }),
    ];
    await expect(compat.lock(file, { lockfilePath: first as string })).rejects.toMatchObject({
      code: 'ELOCKED',
    });
    for (const release of releases) await release();
  });

  test('a directory that is gone is released all the same', async () => {
    const file = dataFile();
    const release = await compat.lock(file);
    rmdirSync(`${file}.lock`);
    await release();
  });
});

test.runIf(canMount)(
  'without birth times: another directory of the same inode is neither ours nor removed',
  async () => {
    const file = join(smallInodes(), 'data.json');
    writeFileSync(file, '0');
    const compromised: string[] = [];
    const release = await compat.lock(file, { onCompromised: (error) => compromised.push(error.message) });
    expect(statSync(`${file}.lock`, { bigint: true }).birthtimeNs).toBe(0n);
    // As after a stop of this process past the stale time: another one took over, and the file system reused the inode.
    const { ino } = statSync(`${file}.lock`);
    rmdirSync(`${file}.lock`);
    mkdirSync(`${file}.lock`);
    expect(statSync(`${file}.lock`).ino).toBe(ino);
    const later = Date.now() / 1_000 + 5;
    utimesSync(`${file}.lock`, later, later);
    const outcome = await release().then(
      () => 'released',
      (error: { code?: string }) => error.code,
    );
    expect([outcome === 'ECOMPROMISED' || compromised.length > 0, existsSync(`${file}.lock`)]).toEqual([
      true,
      true,
    ]);
  },
);

test('the module is the function that locks, with the others as its properties', async () => {
  const required = createRequire(import.meta.url)(
    '../../dist/compat/proper-lockfile/index.js',
  ) as typeof compat.default;
  expect(required).toBe(required.lock);
  expect(compat.default).toBe(compat.lock);
  const file = dataFile();
  const release = await required(file);
  expect(await required.check(file)).toBe(true);
  await release();
});
