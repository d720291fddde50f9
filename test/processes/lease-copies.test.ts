import { cpSync, renameSync } from 'node:fs';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { cleanEnvironment, holdfast } from '../support/holdfast.js';
import { LEASE_MS, SILENCE_MS, startParty, statesIn, bootNow } from '../support/lease.js';
import { eventually } from '../support/processes.js';

test('a lease directory that was restored from a copy is not taken because its old state was seen long ago', async () => {
  const directory = testDirectory();
  const [path, copy] = [join(directory, 'x'), join(directory, 'copy')];
  const holder = startParty(directory, path);
  const { token } = await holder.held();
  const env = cleanEnvironment({ XDG_STATE_HOME: join(directory, 'state') });
  const attempt = (): Promise<{ code: number | null }> =>
    holdfast(directory, ['run', '-n', 'lease:x', '--', 'true'], { env });
  // The copy has a state that this host has seen.
  await eventually('a copy of a state that was seen', async () => {
    const before = statesIn(path);
    expect(await attempt()).toMatchObject({ code: 75 });
    cpSync(path, copy, { recursive: true, preserveTimestamps: true });
    return statesIn(copy).join() === before.join() && statesIn(path).join() === before.join();
  });
  const seenBy = bootNow();
  await eventually(
    'the end of the silence',
    () => bootNow() > seenBy + SILENCE_MS,
    SILENCE_MS + 10 * LEASE_MS,
  );

  renameSync(path, join(directory, 'moved'));
  renameSync(copy, path);

  // Its holder may be inside its deadline.
  expect(await attempt()).toMatchObject({ code: 75 });
  await holder.child.line(/^lost /);
  const next = startParty(directory, path, { timeoutMs: SILENCE_MS + 10 * LEASE_MS });
  expect((await next.held()).token).toBeGreaterThan(token);
});
