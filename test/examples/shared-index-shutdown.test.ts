import { expect, test } from 'vitest';

import { otherHost } from '../support/hosts.js';
import { eventually } from '../support/processes.js';
import {
  ENGINES,
  finished,
  openPart,
  setting,
  sharedIndex,
  startIndexer,
  writeSource,
} from './shared-index.js';

test.each(ENGINES)(
  'SIGTERM rolls the batch back (%s) and frees the lock for another host at once',
  async (engine) => {
    const { directory, index, here } = setting();
    const there = await otherHost(directory);
    const first = ['add', index, writeSource(directory, 'first', 5), '--engine', engine];
    await sharedIndex(here, ...first);
    const writer = startIndexer(there, 'add', index, writeSource(directory, 'long', 500), '--pace', '50ms');
    await eventually('a batch is open', () => openPart(index));
    const waiter = startIndexer(here, 'add', index, writeSource(directory, 'waits', 5));
    await eventually('the other one waits', () => waiter.stderr().includes('waiting'));

    await waiter.signal('SIGTERM');
    expect(await finished(waiter)).toMatchObject({
      code: 143,
      stderr: expect.stringMatching(/stopped by SIGTERM\n$/),
    });
    await writer.signal('SIGTERM');
    expect(await finished(writer)).toEqual({ code: 143, stdout: '', stderr: 'stopped by SIGTERM\n' });
    const next = await sharedIndex(here, 'add', index, writeSource(directory, 'next', 5));

    expect(next).toMatchObject({ code: 0, stdout: 'commit 2: 5 documents of next.jsonl\n' });
    expect(openPart(index)).toBeUndefined();
    expect((await sharedIndex(here, 'check', index)).stdout).toMatch(/^10 documents, each once/);
  },
);
