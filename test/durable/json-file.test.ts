import { mkdtempSync, readFileSync, rmSync, writeFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';

import { JsonFile } from '../../src/durable/json-file.js';
import { createLock } from '../../src/locks/lock.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const COUNTER = new URL('fixtures/counter.mjs', import.meta.url).pathname;

function inFile(text: string): string {
  const path = join(testDirectory(), 'state.json');
  writeFileSync(path, text);
  return path;
}

test('eight processes add 500 each, and none is lost', async () => {
  // On tmpfs: 4000 pairs of syncs on a disk measure the disk.
  const directory = mkdtempSync('/dev/shm/holdfast-');
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'count.json');
  const children = Array.from({ length: 8 }, () => start(process.execPath, [COUNTER, path, '500']));
  for (const child of children) expect((await child.exited).code).toBe(0);
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ count: 4_000 });
});

describe('layout', () => {
  test.each([
    ['two spaces', '{\n  "n": 1\n}\n', '{\n  "n": 2\n}\n'],
    ['tabs, no final line end', '{\n\t"n": 1\n}', '{\n\t"n": 2\n}'],
    ['one line', '{"n":1}\n', '{"n":2}\n'],
    ['CRLF', '{\r\n    "n": 1\r\n}\r\n', '{\r\n    "n": 2\r\n}\r\n'],
    ['a byte order mark', '\uFEFF{"n":1}', '\uFEFF{"n":2}'],
    ['line breaks in strings', '{\n "n": 1,\n "s": "a\\nb"\n}', '{\n "n": 2,\n "s": "a\\nb"\n}'],
  ])('%s is kept', async (_name, before, after) => {
    const path = inFile(before);
    await new JsonFile<{ n: number }>(path).update((value) => ({ ...value, n: 2 }));
    expect(readFileSync(path, 'utf8')).toBe(after);
  });

  test('a new file is indented as asked, and an empty object takes the default', async () => {
    const path = join(testDirectory(), 'f.json');
    await new JsonFile(path, { indent: 4 }).replace({ a: 1 });
    expect(readFileSync(path, 'utf8')).toBe('{\n    "a": 1\n}\n');
    writeFileSync(path, '{}');
    await new JsonFile(path).replace({ a: 1 });
    expect(readFileSync(path, 'utf8')).toBe('{\n  "a": 1\n}');
  });
});

describe('what cannot be read', () => {
  test.each([
    ['an empty file', '', 'it is empty'],
    ['half a file', '{"a":', 'it is no JSON'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'it is no JSON'],
  ])('%s fails, default or not, and stays as it is until it is replaced', async (_name, content, fact) => {
    const path = join(testDirectory(), 'state.json');
    writeFileSync(path, content);
    const file = new JsonFile(path, { defaultValue: { n: 0 } });
    await expect(file.read()).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
      message: expect.stringContaining(fact),
    });
    await expect(file.update((value) => value)).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
    expect(readFileSync(path)).toEqual(Buffer.from(content));
    await file.replace({ n: 1 });
    expect(await file.read()).toEqual({ n: 1 });
  });

  test('a missing file is its default, copied, or an error that says so', async () => {
    const path = join(testDirectory(), 'state.json');
    const defaultValue = { list: [] as number[] };
    const file = new JsonFile(path, { defaultValue });
    (await file.read()).list.push(1);
    expect(await file.read()).toEqual({ list: [] });
    await expect(new JsonFile(path).read()).rejects.toMatchObject({
      code: 'HOLDFAST_IO',
      message: `Could not read "${path}": it does not exist (ENOENT). Create it, or give a default value.`,
    });
  });
});

describe('the schema', () => {
  const schema = v.object({ n: v.pipe(v.number(), v.minValue(0)), tag: v.optional(v.string(), 'none') });

  test('is asked at every read, and may fill in', async () => {
    const file = new JsonFile(inFile('{"n":1}'), { schema });
    expect(await file.read()).toEqual({ n: 1, tag: 'none' });
    const bad = new JsonFile(inFile('{"n":-1}'), { schema });
    await expect(bad.read()).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
      message: expect.stringMatching(/does not fit the schema: n: Invalid value/),
    });
  });

  test('keeps a wrong value from being written', async () => {
    const path = inFile('{"n":1}');
    const file = new JsonFile(path, { schema });
    await expect(file.update((value) => ({ ...value, n: -5 }))).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
    });
    await expect(file.update((value) => ({ ...value, n: Number.NaN }))).rejects.toMatchObject({
      code: 'HOLDFAST_PROTOCOL',
    });
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}');
  });
});

test('an update that throws or returns nothing writes nothing', async () => {
  const path = inFile('{"n":1}');
  const file = new JsonFile<{ n: number }>(path);
  await expect(file.update(() => Promise.reject(new Error('changed my mind')))).rejects.toThrow(
    'changed my mind',
  );
  await expect(file.update((value) => void (value.n = 7) as never)).rejects.toThrow(TypeError);
  expect(readFileSync(path, 'utf8')).toBe('{"n":1}');
});

describe('fencing', () => {
  test('INV-DURABLE-5: a newer token that comes while the change is made refuses it, renamed or written in place', async () => {
    for (const put of [replaceByRename, writeFileSync]) {
      const path = join(testDirectory(), 'f.json');
      // As long as the content that comes, so that the size alone shows nothing.
      writeFileSync(path, '{"n":1,"$fencingToken":"5"}');
      const change = new JsonFile<{ n: number }>(path).update(
        (value) => {
          put(path, '{"n":1,"$fencingToken":"9"}');
          return value;
        },
        { fencingToken: 6n },
      );
      await expect(change).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
      expect(readFileSync(path, 'utf8')).toBe('{"n":1,"$fencingToken":"9"}');
    }
  });

  test('a write with an older token than the one in the file, or with none, changes no byte', async () => {
    const path = inFile('{"n":1}');
    const file = new JsonFile<{ n: number }>(path);
    await file.update((value) => value, { fencingToken: 42n });
    const before = readFileSync(path);
    for (const options of [{ fencingToken: 41n }, {}]) {
      await expect(file.replace({ n: 9 }, options)).rejects.toMatchObject({
        code: 'HOLDFAST_LOST',
        message: expect.stringContaining('it was written under fencing token 42'),
      });
      await expect(file.update(() => ({ n: 9 }), options)).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    }
    expect(readFileSync(path).equals(before)).toBe(true);
    await file.update(({ n }) => ({ n: n + 1 }), { fencingToken: 42n });
    await file.update(({ n }) => ({ n: n + 1 }), { fencingToken: 18_446_744_073_709_551_616n });
    expect(await file.read()).toEqual({ n: 3 });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ n: 3, $fencingToken: '18446744073709551616' });
  });

  test('the token of the hold is used without being asked for', async () => {
    const path = inFile('{"n":1}');
    const file = new JsonFile<{ n: number }>(path, { lock: createLock('memory:#json-file-fencing') });
    await file.update((value) => value);
    const { $fencingToken } = JSON.parse(readFileSync(path, 'utf8')) as { $fencingToken: string };
    await expect(
      file.update((value) => value, { fencingToken: BigInt($fencingToken) - 1n }),
    ).rejects.toMatchObject({ isLost: true });
    await file.update((value) => value);
  });

  test('a value that cannot carry a token is refused', async () => {
    const file = new JsonFile<number[]>(inFile('[1]'));
    await expect(file.replace([2], { fencingToken: 1n })).rejects.toThrow(
      'Only a JSON object can carry a fencing token',
    );
  });

  test('a hold that is lost while the new value is made writes nothing', async () => {
    const path = inFile('{"n":1}');
    const lockDir = testDirectory();
    const file = new JsonFile<{ n: number }>(path, { lockDir });
    const update = file.update(() => {
      rmSync(lockDir, { recursive: true });
      return { n: 2 };
    });
    await expect(update).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}');
  });
});

describe('names as long as file systems take', () => {
  test.each([
    ['250 bytes', `${'x'.repeat(245)}.json`],
    ['255 bytes', `${'x'.repeat(250)}.json`],
    ['255 bytes in characters of four', `${'😀'.repeat(62)}12.json`],
  ])('%s', async (_, name) => {
    const directory = testDirectory();
    const file = new JsonFile<{ n: number }>(join(directory, name), { defaultValue: { n: 1 } });
    expect(Buffer.byteLength(name)).toBeGreaterThanOrEqual(250);

    await file.update(({ n }) => ({ n: n + 1 }), { fencing: true });

    expect(await file.read()).toEqual({ n: 2 });
    // Another name that begins alike has another lock.
    const other = new JsonFile<{ n: number }>(join(directory, name.replace(/n$/, 'm')), {
      defaultValue: { n: 5 },
    });
    await file.update(async () => (await other.update(({ n }) => ({ n: n + 1 })), { n: 3 }), {
      fencing: true,
    });
    expect([await file.read(), await other.read()]).toEqual([{ n: 3 }, { n: 6 }]);
  });
});

function replaceByRename(path: string, text: string): void {
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}
