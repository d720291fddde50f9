import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { startHolder, startHoldfast } from '../support/holdfast.js';
import { eventually } from '../support/processes.js';

it.each(['x', 'lease:x'])(
  'run %s with a closed pipe under stderr waits and runs the command',
  async (lock) => {
    const directory = testDirectory();
    const holder = await startHolder(directory, [lock]);
    const words = ['run', '--verbose', '--events', 'log', lock, 'sh', '-c', 'echo inside; exit 7'];
    const waiter = startHoldfast(directory, words);
    waiter.child.process.stderr?.destroy();
    const log = join(directory, 'log');
    await eventually('it waits', () => existsSync(log) && readFileSync(log, 'utf8').includes('"waiting"'));
    await holder.end();
    expect(await waiter.outcome).toMatchObject({ code: 7, signal: null, stdout: 'inside\n' });
  },
);

it.each(['x', 'lease:x'])(
  'run %s with a closed pipe under stderr keeps its exit code for contention',
  async (lock) => {
    const directory = testDirectory();
    await startHolder(directory, [lock]);
    const waiter = startHoldfast(directory, ['run', '-n', lock, 'true']);
    waiter.child.process.stderr?.destroy();
    expect(await waiter.outcome).toMatchObject({ code: 75, signal: null });
  },
);
