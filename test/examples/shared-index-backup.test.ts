import { readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { backUp, backupsIn } from '../../examples/shared-index/backup.mjs';
import { LockedIndexer } from '../../examples/shared-index/locked-indexer.mjs';
import { verifyBackup } from '../../examples/shared-index/manifest.mjs';
import { check, search } from '../../examples/shared-index/reading.mjs';
import { restore } from '../../examples/shared-index/restore.mjs';
import { start } from '../support/processes.js';
import {
  type Engine,
  ENGINES,
  fingerprint,
  idsOf,
  PROGRAM,
  setting,
  sharedIndex,
  type Setting,
  writeSource,
} from './shared-index.js';

/** An index of 30 documents, backed up after 20 in full and after 30 incrementally. */
async function backedUp(engine: Engine): Promise<Setting & { made: Awaited<ReturnType<typeof backUp>>[] }> {
  const place = setting();
  const { directory, index, backups } = place;
  const made = [];
  for (const [name, count] of [
    ['old', 20],
    ['new', 10],
  ] as const) {
    await addAll(index, writeSource(directory, name, count), engine);
    made.push(await backUp(index, backups));
  }
  return { ...place, made };
}

async function addAll(index: string, source: string, engine?: Engine): Promise<void> {
  const indexer = new LockedIndexer(index, engine && { engine });
  while (await indexer.indexNext(source, { name: basename(source), batchSize: 10, signal: undefined }));
}

async function idsIn(index: string): Promise<string[]> {
  await check(index);
  return (await search(index, ['fish'])).toSorted();
}

const OLD = idsOf('old', 20).toSorted();
const ALL = [...idsOf('old', 20), ...idsOf('new', 10)].toSorted();

describe.each(ENGINES)('backups of a %s index', (engine) => {
  test('hold what was there; an incremental one takes only what is new; each can be restored', async () => {
    const { directory, index, backups, made } = await backedUp(engine);
    expect(made[0]).toMatchObject({ name: '0001-full', documents: 20, copied: made[0]?.files });
    expect(made[1]).toMatchObject({ name: '0002-incremental', documents: 30 });
    expect(made[1]?.copied).toBeLessThan(Number(made[1]?.files));

    await restore(join(backups, '0001-full'), index);
    expect(await idsIn(index)).toEqual(OLD);
    // What was indexed after the backup is indexed again, and only that.
    await addAll(index, join(directory, 'new.jsonl'));
    expect(await idsIn(index)).toEqual(ALL);

    const other = join(directory, 'where-nothing-was');
    await restore(join(backups, '0002-incremental'), other);
    expect(await idsIn(other)).toEqual(ALL);
  });
});

const blobOf = (backup: string): string =>
  join(backup, String(readdirSync(backup).find((name) => /^[0-9a-f]{64}$/.test(name))));

test.each([
  [
    'one bit of a file in the full backup that it builds on',
    (backups: string) => {
      const path = blobOf(join(backups, '0001-full'));
      const bytes = readFileSync(path);
      bytes[0] = (bytes[0] ?? 0) ^ 1;
      writeFileSync(path, bytes);
    },
  ],
  ['the end of a file', (backups: string) => truncateSync(blobOf(join(backups, '0002-incremental')), 7)],
  ['a file', (backups: string) => rmSync(blobOf(join(backups, '0002-incremental')))],
  [
    'a name in the manifest',
    (backups: string) => {
      const path = join(backups, '0002-incremental', 'manifest.json');
      writeFileSync(path, readFileSync(path, 'utf8').replace('commits/', 'comnits/'));
    },
  ],
])('a backup that lost %s is refused before anything is touched', async (_, damage) => {
  const { index, backups, here } = await backedUp('jsonl');
  damage(backups);
  const places = [index, `${index}.lock`, backups];
  const before = places.map(fingerprint);

  await expect(verifyBackup(join(backups, '0002-incremental'))).rejects.toThrow(/is damaged/);
  const refused = await sharedIndex(here, 'restore', backups, index);
  expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringMatching(/is damaged/) });
  expect(places.map(fingerprint)).toEqual(before);
});

test('a restore that is killed at any of its renames leaves the old index or the new one', async () => {
  const place = await backedUp('tantivy');
  const { index, backups } = place;
  const seen = new Set<string>();
  for (let rename = 1; ; rename++) {
    const inject = `inject=rename:signal=SIGKILL:when=${rename}`;
    const words = ['-f', '-qq', '-o', '/dev/null', '-e', 'trace=rename', '-e', inject];
    const killed = start(
      'strace',
      [...words, process.execPath, PROGRAM, 'restore', join(backups, '0001-full'), index],
      {
        // strace counts for each thread.
        env: { ...process.env, UV_THREADPOOL_SIZE: '1' },
      },
    );
    const { signal } = await killed.exited;
    const ids = await idsIn(index);
    expect([OLD, ALL]).toContainEqual(ids);
    seen.add(ids.length === OLD.length ? 'new' : 'old');
    if (signal === null) break;
    expect(rename).toBeLessThan(30);
  }
  expect([...seen]).toEqual(['old', 'new']);
  expect(readdirSync(index).filter((name) => name.endsWith('.restoring'))).toEqual([]);
});

test('a damaged index is not backed up', async () => {
  const { index, backups } = await backedUp('jsonl');
  const names = readdirSync(index, { recursive: true, encoding: 'utf8' });
  const part = names.find((name) => name.endsWith('documents.jsonl'));
  writeFileSync(join(index, String(part)), '{"id":"old-1","text":"other"}\n');

  await expect(check(index)).rejects.toThrow(/is damaged/);
  await expect(backUp(index, backups, { isFull: true })).rejects.toThrow(/is damaged/);
  expect(await backupsIn(backups)).toEqual(['0001-full', '0002-incremental']);
});
