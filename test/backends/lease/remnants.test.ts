import { existsSync, mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { beginClaim, stepClaim, type ClaimResult } from '../../../src/backends/lease/claim-steps.js';
import { SWEPT_AT_ONCE } from '../../../src/backends/lease/config.js';
import type { Effect, Outcome } from '../../../src/backends/lease/effects.js';
import { formatState, recordName } from '../../../src/backends/lease/names.js';
import { follow } from '../../../src/backends/register/effects.js';
import { newHolderId } from '../../../src/core/holder.js';
import { acquire } from '../../../src/index.js';
import { testDirectory } from '../../support/directory.js';
import { LEASE_MS, startParty, statesIn } from '../../support/lease.js';
import { eventually } from '../../support/processes.js';

const FREE = formatState({ kind: 'free', generation: 5 });
const LEASE = LEASE_MS;

function directoryOf(names: readonly string[]): string {
  const path = join(testDirectory(), 'lock');
  mkdirSync(path);
  for (const name of names) writeFileSync(join(path, name), '');
  return path;
}

describe('INV-LEASE-9 what ended attempts left behind', () => {
  test('is swept by the next holder, who leaves alone what is not of this protocol', async () => {
    const foreign = ['i.short.json', 't.notes', 'thesis.tex'];
    const remnants = [recordName(newHolderId()), recordName(newHolderId()), 't.0123456789abcdef'];
    const path = directoryOf([FREE, ...foreign, ...remnants]);
    const guard = await acquire(`lease:${path}`);
    const own = recordName(guard.holderId);
    expect(readdirSync(path).toSorted()).toEqual([...foreign, own, ...statesIn(path)].toSorted());
    await guard.release();
    expect(readdirSync(path).toSorted()).toEqual([...foreign, ...statesIn(path)].toSorted());
  });

  test('is swept a part at a time when there is much', async () => {
    const path = directoryOf([
      FREE,
      ...Array.from({ length: SWEPT_AT_ONCE + 5 }, () => recordName(newHolderId())),
    ]);
    await (await acquire(`lease:${path}`)).release();
    expect(readdirSync(path)).toHaveLength(1 + 5);
    await (await acquire(`lease:${path}`)).release();
    expect(readdirSync(path)).toEqual(statesIn(path));
  });

  test('is left alone by those who only try, and by the one who looks', async () => {
    const held = formatState({
      kind: 'held',
      generation: 5,
      leaseMs: 30_000,
      holderId: newHolderId(),
      beat: 1,
    });
    const path = directoryOf([held, recordName(newHolderId()), 't.0123456789abcdef']);
    const before = readdirSync(path);
    await expect(acquire(`lease:${path}`, { timeoutMs: 0 })).rejects.toMatchObject({
      code: 'HOLDFAST_CONTENDED',
    });
    expect(readdirSync(path)).toEqual(before);
  });

  test('of a contender that was killed on its way goes with the next hold', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path, { leaseMs: 30_000 });
    await holder.held();
    holder.child.process.kill('SIGKILL');
    await holder.child.exited;
    writeFileSync(join(path, 't.00000000000000ff'), '{');
    const successor = startParty(directory, path, { leaseMs: LEASE_MS });
    const { holderId } = await successor.held();
    await eventually('only the hold is there', () => readdirSync(path).length === 2);
    expect(existsSync(join(path, recordName(holderId)))).toBe(true);
  });
});

/** Follows a claim on names in memory. `answer` may take an effect over. */
async function claimOn(
  names: Set<string>,
  answer: (effect: Effect) => Outcome | undefined,
  now: () => number = () => 0,
): Promise<ClaimResult> {
  const holderId = newHolderId();
  const act = (effect: Effect): Promise<Outcome> =>
    Promise.resolve(answer(effect) ?? carriedOut(names, effect, recordName(holderId)));
  return follow(beginClaim(holderId, LEASE, 0), (state, outcome) => stepClaim(state, outcome, now()), act);
}

function carriedOut(names: Set<string>, effect: Effect, record: string): Outcome {
  switch (effect.kind) {
    case 'list':
      return { kind: 'listed', names: [...names] };
    case 'write-record':
      names.add(record);
      return { kind: 'done' };
    case 'unlink':
      names.delete(effect.name);
      return { kind: 'done' };
    case 'rename':
      if (!names.delete(effect.from)) return failure('ENOENT');
      names.add(effect.to);
      return { kind: 'done' };
    default:
      return { kind: 'done' };
  }
}

function failure(code: string): Outcome {
  return { kind: 'failed', error: Object.assign(new Error(code), { code }) };
}

describe('a claim that comes to nothing', () => {
  const NEXT = formatState({ kind: 'free', generation: 6 });

  // ESTALE: of a file on NFS that is swept while it is written or synced.
  test.each(['ENOENT', 'ESTALE'])(
    'because somebody else won and swept its record away (%s) is contention, not a failure',
    async (code) => {
      const names = new Set([FREE]);
      const result = await claimOn(names, ({ kind }) =>
        kind === 'write-record' ? failure(code) : undefined,
      );
      expect(result).toEqual({ kind: 'contended', remainingMs: 0 });
    },
  );

  test('because it could not be made durable is undone, and its token is never given out', async () => {
    const names = new Set([FREE]);
    const result = await claimOn(names, ({ kind }) => (kind === 'sync' ? failure('EIO') : undefined));
    expect(result).toMatchObject({ kind: 'failed', error: { code: 'EIO' } });
    expect([...names]).toEqual([NEXT]);
  });

  test('because it was over before it was settled is undone, so that nobody has to wait it out', async () => {
    const names = new Set([FREE]);
    let now = 0;
    const isSlow = ({ kind }: Effect): undefined => void (now += kind === 'sync' ? LEASE : 0);
    expect(await claimOn(names, isSlow, () => now)).toEqual({ kind: 'contended', remainingMs: 0 });
    expect([...names]).toEqual([NEXT]);
  });

  test('and was taken over meanwhile changes nothing', async () => {
    const names = new Set([FREE]);
    const other = formatState({
      kind: 'held',
      generation: 7,
      leaseMs: LEASE,
      holderId: newHolderId(),
      beat: 0,
    });
    const result = await claimOn(names, ({ kind }) => {
      if (kind !== 'sync') return undefined;
      names.clear();
      names.add(other);
      return failure('EIO');
    });
    expect(result).toMatchObject({ kind: 'failed' });
    expect([...names]).toEqual([other]);
  });
});

test('a directory whose record was swept under the holder is released all the same', async () => {
  const path = directoryOf([FREE]);
  const guard = await acquire(`lease:${path}`);
  unlinkSync(join(path, recordName(guard.holderId)));
  guard.assertHeld();
  await guard.release();
  expect(readdirSync(path)).toEqual([formatState({ kind: 'free', generation: Number(guard.fencingToken) })]);
});
