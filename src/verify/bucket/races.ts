import { sleep } from '../../platform/clock.js';
import { plural } from '../finding.js';
import type { Learned } from './conditions.js';
import { type BucketCheckId, type BucketFinding, finding, tallied } from './finding.js';
import { type Condition, PATIENCE_MS, type Probes, type Put, tagFor } from './probe.js';

export interface RaceSize {
  /** Objects that are raced for, one after the other. */
  readonly keys: number;
  /** Writes to one object at once, each on its own connection. */
  readonly writers: number;
}

const ROUNDS = 6;

interface Races {
  doubles: number;
  /** A write that was refused, or was beaten, is what stands. */
  wrong: number;
  /** Without a winner, though no answer was missing: each saw another one under way. */
  blanks: number;
  /** Without a winner, while some writes have no clear answer. */
  unclear: number;
  readonly answers: string[];
}

/** On each key all writers create at once. */
export async function checkRacingCreates(probes: Probes, size: RaceSize): Promise<BucketFinding> {
  const condition = { create: true } as const;
  const races = await race(probes, size, () => Promise.resolve(condition));
  return judged('racing creates', races, size);
}

/** On each key all writers replace the same state at once. */
export async function checkRacingSwaps(
  probes: Probes,
  size: RaceSize,
  learned: Learned,
): Promise<BucketFinding> {
  const races = await race(probes, size, async (name) => {
    const made = await probes.putPatiently(name, { create: true });
    const etag = made.etag ?? (await probes.get(name))?.etag;
    return etag === undefined ? undefined : { match: tagFor(learned, etag) };
  });
  return judged('racing swaps', races, size);
}

async function race(
  probes: Probes,
  { keys, writers }: RaceSize,
  prepare: (name: string) => Promise<Condition | undefined>,
): Promise<Races> {
  const races: Races = { doubles: 0, wrong: 0, blanks: 0, unclear: 0, answers: [] };
  for (let index = 0; index < keys; index++) {
    const name = `race-${index}`;
    const condition = await prepare(name);
    if (condition === undefined) {
      races.unclear++;
      continue;
    }
    const puts = await raceOnce(probes, name, condition, writers);
    await count(races, puts, (isRight) => probes.settles(name, isRight));
  }
  return races;
}

/** Again while the store wants fewer writes: then none was looked at. */
async function raceOnce(
  probes: Probes,
  name: string,
  condition: Condition,
  writers: number,
): Promise<readonly Put[]> {
  for (let round = 1; ; round++) {
    const puts = await Promise.all(Array.from({ length: writers }, () => probes.put(name, condition)));
    if (round === ROUNDS || puts.some(({ answer }) => answer !== '429')) return puts;
    await sleep(PATIENCE_MS * round);
  }
}

type Settles = (isRight: (text: string | undefined) => boolean) => Promise<boolean>;

async function count(races: Races, puts: readonly Put[], settles: Settles): Promise<void> {
  for (const { answer } of puts) races.answers.push(answer);
  const winners = puts.filter(({ kind }) => kind === 'landed');
  const refused = new Set(puts.filter(({ kind }) => kind === 'refused').map(({ text }) => text));
  const [winner] = winners;
  if (winners.length > 1) races.doubles++;
  else if (winner !== undefined) {
    if (!(await settles((text) => text === winner.text))) races.wrong++;
  } else if (!(await settles((text) => text === undefined || !refused.has(text)))) races.wrong++;
  else if (puts.some(({ kind }) => kind === 'unknown')) races.unclear++;
  else races.blanks++;
}

function judged(
  check: BucketCheckId,
  { doubles, wrong, blanks, unclear, answers }: Races,
  { keys, writers }: RaceSize,
): BucketFinding {
  const seen = tallied(answers);
  const figures = {
    keys,
    writers,
    doubleWins: doubles,
    wrongState: wrong,
    withoutWinner: blanks,
    unclear,
    answers: seen,
  };
  const races = plural(keys, 'race');
  if (doubles > 0) return finding(check, 'broken', `two or more won in ${doubles} of ${races}`, figures);
  if (wrong > 0) {
    return finding(check, 'broken', `what stands is not the winner's in ${wrong} of ${races}`, figures);
  }
  if (unclear > 0 || blanks === keys) {
    const detail = `no winner was seen in ${unclear + blanks} of ${races} (${seen})`;
    return finding(check, 'unknown', detail, figures);
  }
  const without = blanks === 0 ? '' : `, none in ${blanks}`;
  return finding(check, 'holds', `one winner in each of ${races} of ${writers}${without} (${seen})`, figures);
}
