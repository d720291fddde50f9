import { chmodSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { dataOf, holdfast, startHoldfast } from '../support/holdfast.js';
import { LEASE_MS, otherContainer, startParty, statesIn } from '../support/lease.js';
import { quiescentMs } from '../support/time.js';

const NOBODY = 65534;

interface Shown {
  readonly holders: readonly { readonly isAlive?: boolean; readonly pid?: number }[];
}

async function shown(directory: string, path: string): Promise<Shown> {
  return dataOf<Shown>((await holdfast(directory, ['show', '--json', `lease:${path}`])).stdout);
}

describe('whether a holder is dead', () => {
  test('one of another user counts as alive', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 });
    await holder.held();
    chmodSync(directory, 0o777);
    chmodSync(path, 0o777);
    const asNobody = { uid: NOBODY, gid: NOBODY, env: { XDG_STATE_HOME: join(directory, 'nobody') } };
    const { stdout } = await startHoldfast(directory, ['show', '--json', `lease:${path}`], asNobody).outcome;
    expect(dataOf<Shown>(stdout).holders[0]?.isAlive).toBe(true);
    const { code } = await startHoldfast(directory, ['run', '-n', `lease:${path}`, 'true'], asNobody).outcome;
    expect(code).toBe(75);
  });

  test('one in another container is not known to be dead, although its pid is free here or somebody else', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 }, otherContainer());
    await holder.held();
    const { holders } = await shown(directory, path);
    expect(holders[0]?.pid).toBeLessThan(10);
    expect(holders[0]?.isAlive).toBeUndefined();
    expect((await holdfast(directory, ['run', '-n', `lease:${path}`, 'true'])).code).toBe(75);
  });

  test('one whose record is gone is not known to be dead', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 });
    const { holderId } = await holder.held();
    holder.child.process.kill('SIGKILL');
    await holder.child.exited;
    expect((await shown(directory, path)).holders[0]?.isAlive).toBe(false);
    rmSync(join(path, `i.${holderId}.json`));
    expect((await shown(directory, path)).holders[0]?.isAlive).toBeUndefined();
    const contender = startParty(directory, path, { timeoutMs: 4 * quiescentMs });
    await contender.child.exited;
    expect(contender.child.stdout()).toBe('ready\n');
    expect(statesIn(path)[0]).toContain(holderId);
  });

  test('`run` leaves nothing behind but a free lease', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const { code, stdout } = await holdfast(directory, [
      'run',
      '--lease',
      `${LEASE_MS}ms`,
      `lease:${path}`,
      'sh',
      '-c',
      'echo $HOLDFAST_TOKEN',
    ]);
    expect(code).toBe(0);
    expect(statesIn(path)).toEqual([`s.${stdout.trim().padStart(16, '0')}.free`]);
    expect(readdirSync(path)).toHaveLength(1);
  });
});
