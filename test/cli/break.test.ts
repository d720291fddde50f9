import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { testDirectory } from '../support/directory.js';
import { holdfast, script } from '../support/holdfast.js';
import { LEASE_MS, SILENCE_MS, startParty, statesIn, bootNow } from '../support/lease.js';

const NOBODY = 'a'.repeat(26);

describe('break', () => {
  test('keeps others out until the holder must have noticed', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    const first = await holder.held();
    // A holder that cannot notice: its belief runs out by itself before anybody gets in.
    holder.child.process.kill('SIGSTOP');
    const brokenAt = bootNow();
    const { code, stderr } = await holdfast(directory, [
      'break',
      '--force',
      'lease:lock',
      '--holder',
      first.holderId,
    ]);
    expect(code).toBe(0);
    expect(stderr).toContain(`ended the hold ${first.holderId}`);
    expect(statesIn(path)).toEqual([expect.stringMatching(/\.revoked$/)]);
    const shown = await holdfast(directory, ['show', 'lease:lock']);
    expect(shown.stdout).toMatch(/broken by force; can be taken over after [\d.]+ s more of silence/);
    const second = await startParty(directory, path).held();
    expect(second.at - brokenAt).toBeGreaterThan(LEASE_MS);
    expect(second.at - brokenAt).toBeGreaterThan(SILENCE_MS - 500);
    expect(second.token).toBeGreaterThan(first.token);
  });

  test('--now lets the next one in at once, with a greater token, and the holder learns of it', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    const first = await holder.held();
    const args = ['break', '--now', '--force', 'lease:lock', '--holder', first.holderId];
    expect((await holdfast(directory, args)).code).toBe(0);
    expect((await holdfast(directory, ['run', '-n', 'lease:lock', 'true'])).code).toBe(0);
    const second = await startParty(directory, path).held();
    expect(second.token).toBeGreaterThan(first.token);
    await holder.child.line(/^lost [\d.]+ taken$/);
    holder.order('release');
    await holder.child.line(/^did release/);
    expect(statesIn(path)).toEqual([expect.stringContaining(second.holderId)]);
    // The hold is over: the same words again end nobody's.
    const again = await holdfast(directory, args);
    expect(again.code).toBe(75);
    expect(again.stderr).toContain('nothing was changed');
    expect(statesIn(path)).toEqual([expect.stringContaining(second.holderId)]);
  });

  test('asks, and takes an input that says nothing, or anything but yes, for a no', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const { holderId } = await startParty(directory, path, { leaseMs: 30_000 }).held();
    const line = `$H break --now lease:lock --holder ${holderId}`;
    for (const refusal of [`${line} </dev/null`, `echo no | ${line}`, `echo YES | ${line}`]) {
      const { code, stderr } = await script(directory, refusal);
      expect(code).toBe(64);
      expect(stderr).toContain('the next one gets in at once. Type yes: ');
      expect(stderr).toContain('nothing was changed');
    }
    expect(statesIn(path)[0]).toContain(holderId);
    expect((await script(directory, `echo yes | ${line}`)).code).toBe(0);
    expect(statesIn(path)).toEqual([expect.stringMatching(/free$/)]);
  });

  test('needs the id of the holder, and a hold of that id', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    await startParty(directory, path, { leaseMs: 30_000 }).held();
    const without = await holdfast(directory, ['break', '--force', 'lease:lock']);
    expect(without.code).toBe(64);
    expect(without.stderr).toContain('holdfast show lease:lock');
    const wrong = await holdfast(directory, ['break', '--force', 'lease:lock', '--holder', NOBODY]);
    expect(wrong.code).toBe(75);
    expect(wrong.stderr).toContain(`not held by ${NOBODY}`);
  });
});

describe('show', () => {
  test('tells the age by what this host has observed, not by what the record says', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 });
    await holder.held();
    holder.child.process.kill('SIGSTOP');
    const env = { XDG_STATE_HOME: join(directory, 'looker') };
    const ages: number[] = [];
    for (let look = 0; look < 2; look++) {
      const { stdout } = await holdfast(directory, ['show', 'lease:lock'], { env });
      const [, value = '', unit = ''] =
        /lease of 30 s, seen unchanged for ([\d.]+) (ms|s)/.exec(stdout) ?? [];
      ages.push(Number(value) * (unit === 's' ? 1_000 : 1));
    }
    expect(ages[0]).toBeLessThan(100);
    expect(ages[1]).toBeGreaterThan(ages[0]!);
  });
});
