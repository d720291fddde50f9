import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { acquire } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';
import { holdfastAs } from './people.js';

test.each([
  ['a FIFO', (path: string) => execFileSync('mkfifo', [path])],
  [
    'a link to a FIFO',
    (path: string) => {
      execFileSync('mkfifo', [`${path}.fifo`]);
      symlinkSync(`${path}.fifo`, path);
    },
  ],
  ['a directory', (path: string) => execFileSync('mkdir', [path])],
  ['16 MB of digits', (path: string) => writeFileSync(path, '1'.repeat(16 * 1024 * 1024))],
])(
  'the record of a lease’s holder is %s: the lease is held all the same, and nothing waits for it',
  async (_kind, plant) => {
    const directory = join(testDirectory(), 'x');
    const guard = await acquire(`lease:${directory}`, { leaseDurationMs: 600_000 });
    const record = readdirSync(directory).find(
      (name) => name.includes(guard.holderId) && !name.startsWith('s.'),
    );
    expect(record).toBeDefined();
    const path = join(directory, record as string);
    rmSync(path);
    plant(path);

    expect(
      await holdfastAs(undefined, directory, ['run', '-n', `lease:${directory}`, '--', 'true']),
    ).toMatchObject({ code: 75 });
    expect(await holdfastAs(undefined, directory, ['show', `lease:${directory}`])).toMatchObject({ code: 0 });

    rmSync(path, { recursive: true, force: true });
    await guard.release();
  },
);
