import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { tryAcquire } from '../../src/index.js';
import { testDirectory } from '../support/directory.js';

function directoryWith(name: string): string {
  const path = join(testDirectory(), 'shared');
  mkdirSync(path);
  writeFileSync(join(path, name), '');
  return path;
}

test.each(['s.2.free', 's.2.0000000000000001.held', 's.0000000000000001.free', 's.3'])(
  'a directory with the state %s is a lease, of whatever version, and no kernel lock is taken on it',
  async (name) => {
    await expect(tryAcquire(directoryWith(name))).rejects.toMatchObject({
      code: 'HOLDFAST_CONFIG_MISMATCH',
    });
  },
);

test('a lease of a newer version is not claimed', async () => {
  const path = directoryWith('s.2.0000000000000001.free');
  await expect(tryAcquire(`lease:${path}`)).rejects.toMatchObject({ code: 'HOLDFAST_PROTOCOL' });
});

test.each(['s.txt', 's', 'states', 's.x.1'])(
  'a directory with a file %s is one like any other',
  async (name) => {
    const guard = await tryAcquire(directoryWith(name));
    expect(guard).toBeDefined();
    await guard?.release();
  },
);
