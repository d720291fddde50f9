import { mkdtempSync, writeFileSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';

import { SharedCache } from '../../src/cache/index.js';
import { JsonFile, JsonLines, writeFileDurable } from '../../src/durable/index.js';
import { compileHostile, mountHostile, type HostileShare } from './hostile-fuse.js';

const directory = mkdtempSync(join(tmpdir(), 'holdfast-stale-'));
let program: string;

beforeAll(() => {
  program = compileHostile(directory);
});

afterAll(() => rm(directory, { recursive: true }));

type Call = 'open' | 'read' | 'stat';

/** A file `data` on a share that says ESTALE to the first `times` of these calls. */
async function staleShare(stale: Call, times: number, content: string): Promise<string> {
  const share: HostileShare = await mountHostile(program, { stale, times });
  onTestFinished(() => share.remove());
  writeFileSync(join(share.root, 'data'), content);
  return join(share.one, 'data');
}

const common = { lock: 'memory:#stale-handles' };
const next = ({ n }: { n: number }): { n: number } => ({ n: n + 1 });
const cacheOf = (path: string): SharedCache<{ n: number }> =>
  new SharedCache(path, { ...common, fetch: ({ previous }) => next(previous ?? { n: 0 }) });

async function linesOf(path: string): Promise<object[]> {
  const records: object[] = [];
  for await (const record of new JsonLines(path, common).read()) records.push(record);
  return records;
}

async function cacheFile(): Promise<string> {
  const path = join(directory, 'cache');
  await cacheOf(path).refresh();
  return path;
}

interface Use {
  readonly name: string;
  readonly content: () => string | Promise<string>;
  readonly use: (path: string) => Promise<unknown>;
  readonly result: unknown;
}

const JSON_TEXT = '{"n":1}\n';
const USES: readonly Use[] = [
  {
    name: 'JsonFile.read',
    content: () => JSON_TEXT,
    use: (path) => new JsonFile(path, common).read(),
    result: { n: 1 },
  },
  {
    name: 'JsonFile.update',
    content: () => JSON_TEXT,
    use: (path) => new JsonFile<{ n: number }>(path, common).update(next),
    result: { n: 2 },
  },
  {
    name: 'a fenced write',
    content: () => JSON_TEXT,
    use: async (path) => {
      await writeFileDurable(path, '{"n":7}', { fencing: { token: 2n, tokenOf: () => 1n } });
      return new JsonFile(path, common).read();
    },
    result: { n: 7 },
  },
  {
    name: 'JsonLines.append',
    content: () => JSON_TEXT,
    use: async (path) => {
      await new JsonLines(path, common).append({ n: 2 });
      return linesOf(path);
    },
    result: [{ n: 1 }, { n: 2 }],
  },
  {
    name: 'a cache that is read',
    content: async () => readFile(await cacheFile(), 'utf8'),
    use: async (path) => (await cacheOf(path).get()).origin,
    result: 'file',
  },
  {
    name: 'a cache that is refreshed',
    content: async () => readFile(await cacheFile(), 'utf8'),
    use: async (path) => {
      const cache = cacheOf(path);
      const { generation } = await cache.get();
      return (await cache.refresh()).generation - generation;
    },
    result: 1,
  },
];

describe.each(['open', 'read', 'stat'] as const)('where %s says that the handle is stale', (call) => {
  it.each(USES)('$name does not fail when it heals', async ({ content, use, result }) => {
    const path = await staleShare(call, 5, await content());
    expect(await use(path)).toEqual(result);
  });

  it.each(USES)('$name says so when it does not', async ({ content, use }) => {
    const path = await staleShare(call, 1_000_000, await content());
    await expect(use(path)).rejects.toMatchObject({
      code: 'HOLDFAST_IO',
      resource: path,
      message: expect.stringMatching(
        /^Could not (read|write) ".*": the file server does not know it any more \(ESTALE\)\./,
      ),
    });
  });
});

it('JsonLines.read opens anew', async () => {
  expect(await linesOf(await staleShare('open', 5, JSON_TEXT))).toEqual([{ n: 1 }]);
  expect(await linesOf(await staleShare('stat', 5, JSON_TEXT))).toEqual([{ n: 1 }]);
});

it('JsonLines.read fails where a rotation has removed the file it is in', async () => {
  const path = await staleShare('read', 1, JSON_TEXT);
  await expect(linesOf(path)).rejects.toMatchObject({
    code: 'HOLDFAST_IO',
    message: expect.stringContaining(
      `Could not read "${path}": the file server does not know it any more (ESTALE)`,
    ),
  });
});
