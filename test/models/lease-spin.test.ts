import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';

const run = promisify(execFile);
const MODEL = fileURLToPath(new URL('lease.pml', import.meta.url));

interface Bounds {
  readonly lastTick: number;
  readonly names: number;
}
const SMALL: Bounds = { lastTick: 5, names: 4 };
/** Four renames, for a story in which a third hold begins. */
const LONGER: Bounds = { lastTick: 5, names: 5 };

/** What the model checker says about the model with `bug` planted in it. */
async function verdict({ lastTick, names }: Bounds, bug?: string): Promise<string> {
  const cwd = testDirectory();
  const defines = [`-DLAST=${lastTick}`, `-DNAMES=${names}`, ...(bug === undefined ? [] : [`-D${bug}`])];
  await run('spin', ['-a', ...defines, MODEL], { cwd });
  // In random order bugs lie nearer to the start; all of it is searched all the same.
  await run('gcc', ['-O1', '-w', '-DSAFETY', '-DHC4', '-DRANDOMIZE=7', '-o', 'pan', 'pan.c'], { cwd });
  const { stdout } = await run('./pan', ['-m10000'], { cwd });
  return /errors: \d+/.exec(stdout)?.[0] ?? stdout;
}

describe('INV-LEASE-1, INV-LEASE-2: the model with explicit time', () => {
  test('no run of two parties with drifting clocks has two believers or a repeated token', async () => {
    expect(await verdict(SMALL)).toBe('errors: 0');
  });

  test.each([
    ['RETRY_NEW_CLOCK', SMALL],
    ['AFTER_RENAME', SMALL],
    ['EARLY_SIGHT', SMALL],
    ['WALL_CLOCK', SMALL],
    ['LATE_REVIVES', SMALL],
    ['RELEASES_ANY', LONGER],
    ['SWEPT_GENERATION', SMALL],
  ] as const)(
    'finds %s',
    async (bug, bounds) => {
      expect(await verdict(bounds, bug)).toBe('errors: 1');
    },
    60_000,
  );
});
