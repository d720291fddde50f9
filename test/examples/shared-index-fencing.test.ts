import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { expect, test } from 'vitest';

import { otherHost } from '../support/hosts.js';
import { eventually } from '../support/processes.js';
import {
  commitsOf,
  finished,
  headOf,
  openPart,
  setting,
  sharedIndex,
  startIndexer,
  writeSource,
} from './shared-index.js';

const PAUSED = fileURLToPath(new URL('fixtures/paused-writer.mjs', import.meta.url));

/** `T` is what ps and /proc call a stopped process. */
const isStopped = async (pid: number): Promise<boolean> =>
  (await promisify(execFile)('ps', ['-o', 'stat=', '-p', String(pid)])).stdout.startsWith('T');

test('a writer paused past its lease, after its last check, is refused by the index', async () => {
  const { directory, index, here } = setting();
  const there = await otherHost(directory);
  await sharedIndex(here, 'add', index, writeSource(directory, 'first', 5), '--lease', '1s');

  const source = writeSource(directory, 'stale', 5);
  const stale = here.start([PAUSED, index, source, 'checked']);
  await stale.child.line(/^stops$/);
  await eventually('it stops', () => isStopped(stale.child.pid));
  const successor = await sharedIndex(
    there,
    'add',
    index,
    writeSource(directory, 'other', 5),
    '--lease',
    '1s',
  );
  expect(successor).toMatchObject({ code: 0, stdout: 'commit 2: 5 documents of other.jsonl\n' });
  const head = headOf(index);
  await stale.signal('SIGCONT');

  expect((await finished(stale)).stdout).toMatch(/^refused HOLDFAST_LOST taken .* a later holder/m);
  expect(headOf(index)).toEqual(head);
  expect(commitsOf(index).map(({ documents }) => documents)).toEqual([0, 5, 10]);
  // Nothing is lost by the refusal: whoever comes next takes the documents.
  expect((await sharedIndex(here, 'add', index, source)).stdout).toBe(
    'commit 3: 5 documents of stale.jsonl\n',
  );
  expect((await sharedIndex(here, 'check', index)).stdout).toMatch(/^15 documents, each once/);
});

test('a successor who only looked has shut the paused writer out, and may clear its batch away', async () => {
  const { directory, index, here } = setting();
  const there = await otherHost(directory);
  await sharedIndex(here, 'add', index, writeSource(directory, 'first', 5), '--lease', '1s');
  const stale = here.start([PAUSED, index, writeSource(directory, 'stale', 5), 'read']);
  await stale.child.line(/^stops$/);

  const looked = await sharedIndex(there, 'add', index, writeSource(directory, 'empty', 0), '--lease', '1s');
  expect(looked).toMatchObject({ code: 0, stdout: '' });
  expect(openPart(index)).toBeUndefined();
  await stale.signal('SIGCONT');

  expect((await finished(stale)).stdout).toMatch(/^refused HOLDFAST_LOST taken/m);
  expect((await sharedIndex(here, 'check', index)).stdout).toMatch(/^5 documents, each once/);
});

test("the program starts over after a refusal; its half-written Tantivy index is in nobody's way", async () => {
  const { directory, index, here } = setting();
  const there = await otherHost(directory);
  const flags = ['--lease', '1s', '--batch', '10', '--pace', '30ms', '--engine', 'tantivy'];
  const paused = startIndexer(there, 'add', index, writeSource(directory, 'a', 20), ...flags);
  await paused.child.line(/^commit 1:/);
  await eventually('Tantivy writes the second batch', () => {
    const part = openPart(index);
    return part && existsSync(join(index, headOf(index).store, 'parts', part, '.tantivy-writer.lock'));
  });
  await paused.signal('SIGSTOP');
  expect(await sharedIndex(here, 'add', index, writeSource(directory, 'b', 10), ...flags)).toMatchObject({
    code: 0,
    stdout: 'commit 2: 10 documents of b.jsonl\n',
  });
  await paused.signal('SIGCONT');

  const { code, stdout, stderr } = await finished(paused);
  expect(stderr).toMatch(/^not committed: Could not keep /m);
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'commit 1: 10 documents of a.jsonl\ncommit 3: 10 documents of a.jsonl\n',
  });
  expect((await sharedIndex(here, 'check', index)).stdout).toMatch(/^30 documents, each once/);
});
