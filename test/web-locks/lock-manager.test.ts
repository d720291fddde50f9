import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { acquire } from '../../dist/index.js';
import { LockManager, type LockInfo } from '../../dist/web-locks/index.js';
import { startRedis } from '../support/engines.js';
import { testDirectory } from '../support/directory.js';
import { eventually, start, type TestChild } from '../support/processes.js';
import { beyondNode, cases, type LockLike } from './cases.mjs';

/** As `navigator.locks` of Node 24 passes them; see test/package/web-locks.test.ts. */
describe.each([
  ['a directory', () => new LockManager({ place: join(testDirectory(), 'locks') })],
  ['memory', () => new LockManager({ place: 'memory:' })],
])('a LockManager over %s passes web-locks/', (_, create) => {
  test.each([...cases, ...beyondNode])('$file: $law', ({ law, run }) =>
    run(create() as LockLike, `name ${law}`),
  );
});

const driver = fileURLToPath(new URL('other.mjs', import.meta.url));

/** Another process that holds `name` at the place until it is killed, or waits for it. */
async function other(place: string, name: string, mode: string, isHeld = true): Promise<TestChild> {
  const child = start(process.execPath, [driver, place, JSON.stringify(name), mode]);
  await child.line(isHeld ? /^held$/ : /^asked$/);
  return child;
}

const show = (list: readonly LockInfo[]): string[] => list.map(({ name, mode }) => `${name} ${mode}`);

describe.each(['a directory', 'redis'] as const)('between processes, over %s', (kind) => {
  const place = async (): Promise<string> => {
    if (kind === 'a directory') return testDirectory();
    const server = await startRedis();
    onTestFinished(() => server.stop());
    return server.url;
  };

  test('a request waits for another process, and has the lock when that is gone', async () => {
    const here = await place();
    const locks = new LockManager({ place: here });
    const holder = await other(here, 'Ünï \uD800', 'exclusive');

    expect(await locks.request('Ünï \uD800', { ifAvailable: true }, (lock) => lock)).toBeNull();
    const waiting = locks.request('Ünï \uD800', () => 'mine');
    const { held, pending } = await locks.query();
    expect(show(held)).toEqual(['Ünï \uD800 exclusive']);
    expect(show(pending)).toEqual(['Ünï \uD800 exclusive']);
    expect(held[0]?.clientId).not.toBe(pending[0]?.clientId);

    holder.process.kill('SIGKILL');
    expect(await waiting).toBe('mine');
  });
});

test('shared locks of two processes exclude a writer of a third', async () => {
  const place = testDirectory();
  const locks = new LockManager({ place });
  const reader = await other(place, 'data', 'shared');

  await locks.request('data', { mode: 'shared' }, async () => {
    const { held } = await locks.query();
    expect(show(held)).toEqual(['data shared', 'data shared']);
    expect(new Set(held.map(({ clientId }) => clientId)).size).toBe(2);
  });
  expect(await locks.request('data', { ifAvailable: true }, (lock) => lock)).toBeNull();
  reader.process.kill('SIGKILL');
  await locks.request('data', () => undefined);
});

test('a request that was aborted is not pending any more', async () => {
  const locks = new LockManager({ place: testDirectory() });
  await locks.request('data', async () => {
    const controller = new AbortController();
    const aborted = locks.request('data', { signal: controller.signal }, () => undefined);
    controller.abort('enough');
    await expect(aborted).rejects.toBe('enough');
    expect((await locks.query()).pending).toEqual([]);
  });
});

test('query shows who waits in another process', async () => {
  const place = testDirectory();
  const locks = new LockManager({ place });
  await locks.request('data', async () => {
    await other(place, 'data', 'exclusive', false);
    const pending = await eventually('the other waits', async () => {
      const found = (await locks.query()).pending;
      return found.length > 0 && found;
    });
    expect(show(pending)).toEqual(['data exclusive']);
  });
});

describe('steal', () => {
  test.each(['exclusive', 'shared'])('leaves a %s lock of another process alone', async (mode) => {
    const place = testDirectory();
    const locks = new LockManager({ place });
    await other(place, 'data', mode);

    const stolen = locks.request('data', { steal: true }, () => undefined);

    await expect(stolen).rejects.toMatchObject({ name: 'NotSupportedError' });
    expect(show((await locks.query()).held)).toEqual([`data ${mode}`]);
  });

  test('takes no shared lock of its own while another process shares it', async () => {
    const place = testDirectory();
    const locks = new LockManager({ place });
    await other(place, 'data', 'shared');

    await locks.request('data', { mode: 'shared' }, async () => {
      const stolen = locks.request('data', { steal: true }, () => undefined);
      await expect(stolen).rejects.toMatchObject({ name: 'NotSupportedError' });
    });
  });

  test('lets no other process in between the old holder and the thief', async () => {
    const place = testDirectory();
    const locks = new LockManager({ place });
    let end = (): void => undefined;
    const first = locks.request('data', () => new Promise<void>((resolve) => (end = resolve)));
    const rejected = expect(first).rejects.toMatchObject({ name: 'AbortError' });
    const rival = await other(place, 'data', 'exclusive', false);
    await eventually('the rival waits', async () => (await locks.query()).pending.length > 0);

    await locks.request('data', { steal: true }, async () => {
      await rejected;
      // What the old holder does now ends nothing.
      end();
      expect(show((await locks.query()).held)).toEqual(['data exclusive']);
      expect(rival.stdout()).not.toContain('held');
    });

    await rival.line(/^held$/);
  });
});

test('two managers of one thread exclude each other; another place is another world', async () => {
  const place = testDirectory();
  const [one, two, elsewhere] = [place, place, testDirectory()].map((at) => new LockManager({ place: at }));
  await one?.request('data', async () => {
    expect(await two?.request('data', { ifAvailable: true }, (lock) => lock)).toBeNull();
    expect(await elsewhere?.request('data', { ifAvailable: true }, (lock) => lock)).not.toBeNull();
    expect(show((await two?.query())?.held ?? [])).toEqual(['data exclusive']);
  });
});

test('a holder that the place does not know as a Web Lock is not in the answer', async () => {
  const place = testDirectory();
  const guard = await acquire(join(place, 'other.lock'));
  expect(await new LockManager({ place }).query()).toEqual({ held: [], pending: [] });
  await guard.release();
});

test('places that cannot be used are refused', () => {
  for (const place of ['', 'redis://h#name', 'git:origin', 'http://h', 'lease:/x'])
    expect(() => new LockManager({ place })).toThrow(/Locks cannot be kept/);
});
