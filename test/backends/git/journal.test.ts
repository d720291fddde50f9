import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { claimedChange } from '../../../src/backends/git/events.js';
import { Journal, type JournalPaths } from '../../../src/backends/git/journal.js';
import { LOG_BYTES } from '../../../src/backends/git/operation-log.js';
import type { Attempted } from '../../../src/backends/git/tip.js';
import { testDirectory } from '../../support/directory.js';

const PLACE = 'place';
const REF = 'refs/heads/holdfast/claims/x';

function attempted(oid: string, reason = 'ü'): Attempted {
  const taker = { agent: 'ada', holderId: `holder-${oid}`, staleAfterMs: 1, reason };
  return { oid, record: claimedChange('x', REF, { oid: '', generation: 0 }, taker, 0).record };
}

function pathsIn(directory: string, key = 'one'): JournalPaths {
  const folder = join(directory, 'holdfast/claims.git/holdfast');
  mkdirSync(folder, { recursive: true });
  return { key, journal: join(folder, 'journal.json'), journalLog: join(folder, 'journal.log') };
}

describe('INV-GIT-10: the journal', () => {
  test('what was begun is there after a crash, whatever follows it; a torn line counts as not written', () => {
    const directory = testDirectory();
    const paths = pathsIn(directory);
    const first = new Journal(paths, PLACE);
    first.begin([{ ref: REF, expected: '', attempted: attempted('1') }]);
    first.landed(REF, attempted('1'), true);
    first.save();
    const whole = readFileSync(paths.journalLog).indexOf(0);
    first.begin([{ ref: REF, expected: '1', attempted: attempted('2') }]);
    const end = readFileSync(paths.journalLog).indexOf(0);
    expect(new Journal(paths, PLACE).pending(REF)?.tries.map(({ oid }) => oid)).toEqual(['2']);
    for (let cut = whole; cut < end; cut += end - cut > 20 ? 7 : 1) {
      const torn = testDirectory();
      if (existsSync(paths.journal)) copyFileSync(paths.journal, pathsIn(torn).journal);
      const bytes = readFileSync(paths.journalLog);
      // The rest is not there yet, or is what was there before.
      if (cut % 2 === 0) bytes.fill(0, cut);
      else bytes.write(bytes[cut] === 0x61 ? 'b' : 'a', cut);
      writeFileSync(pathsIn(torn).journalLog, bytes);
      const journal = new Journal(pathsIn(torn), PLACE);
      expect([journal.pending(REF), journal.allHeld(REF).length], `cut at ${cut}`).toEqual([undefined, 1]);
      // And what comes next is found behind what was whole.
      journal.begin([{ ref: REF, expected: '1', attempted: attempted('3') }]);
      expect(new Journal(pathsIn(torn), PLACE).pending(REF)?.tries.map(({ oid }) => oid)).toEqual(['3']);
    }
  });

  test('many events: the log goes into a checkpoint, and nothing is forgotten or comes back', () => {
    const paths = pathsIn(testDirectory());
    let longest = 0;
    for (let index = 1; index <= 400; index++) {
      const journal = new Journal(paths, PLACE);
      const ref = `${REF}-${index % 7}`;
      const expected = index <= 7 ? '' : String(index - 7);
      for (const { oid } of journal.allHeld(ref)) expect(oid).toBe(expected);
      journal.begin([{ ref, expected, attempted: attempted(String(index)) }]);
      expect(new Journal(paths, PLACE).pending(ref)?.expected).toBe(expected);
      for (const { record } of journal.allHeld(ref)) journal.ended(ref, record.holderId);
      journal.landed(ref, attempted(String(index)), index % 3 !== 0);
      journal.save();
      longest = Math.max(longest, readFileSync(paths.journalLog).length);
    }
    const journal = new Journal(paths, PLACE);
    expect(journal.pendingRefs()).toEqual([]);
    const held = [394, 395, 396, 397, 398, 399, 400].filter((index) => index % 3 !== 0).map(String);
    expect(
      journal
        .allHeld()
        .map(({ oid }) => oid)
        .sort(),
    ).toEqual(held);
    expect(longest).toBe(LOG_BYTES);
  });

  test('a checkpoint whose log was not emptied any more: its lines are not done twice', () => {
    const paths = pathsIn(testDirectory());
    const first = new Journal(paths, PLACE);
    first.begin([{ ref: REF, expected: '', attempted: attempted('1') }]);
    const log = `${paths.journalLog}.kept`;
    first.landed(REF, attempted('1'), true);
    first.save();
    copyFileSync(paths.journalLog, log);
    // Too long for the log: a checkpoint.
    first.begin([{ ref: `${REF}2`, expected: '', attempted: attempted('2', 'r'.repeat(LOG_BYTES)) }]);
    copyFileSync(log, paths.journalLog);
    const second = new Journal(paths, PLACE);
    expect([second.pendingRefs(), second.allHeld().length]).toEqual([[`${REF}2`], 1]);
    second.voided(`${REF}2`);
    second.save();
    expect(new Journal(paths, PLACE).pendingRefs()).toEqual([]);
  });

  test('a copy that says of itself that it is of another place has no holds', () => {
    const paths = pathsIn(testDirectory());
    const journal = new Journal(paths, PLACE);
    journal.begin([{ ref: REF, expected: '', attempted: attempted('1') }]);
    const copy = new Journal(paths, 'another');
    expect([copy.pendingRefs(), copy.allHeld()]).toEqual([[], []]);
  });

  test('two remotes are kept apart, and a log that is gone costs what it held', () => {
    const directory = testDirectory();
    const paths = pathsIn(directory);
    const one = new Journal(paths, PLACE);
    one.begin([{ ref: REF, expected: '', attempted: attempted('1') }]);
    expect(new Journal(pathsIn(directory, 'two'), PLACE).pendingRefs()).toEqual([]);
    expect(new Journal(paths, PLACE).pendingRefs()).toEqual([REF]);
    truncateSync(paths.journalLog, 0);
    new Journal(paths, PLACE).begin([{ ref: `${REF}2`, expected: '', attempted: attempted('2') }]);
    rmSync(paths.journalLog);
    new Journal(paths, PLACE).begin([{ ref: `${REF}3`, expected: '', attempted: attempted('3') }]);
    expect(new Journal(paths, PLACE).pendingRefs()).toContain(`${REF}3`);
  });
});
