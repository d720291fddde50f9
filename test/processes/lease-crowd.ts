import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { expect } from 'vitest';

import { formatState } from '../../src/backends/lease/names.js';
import { testDirectory } from '../support/directory.js';
import { bootNow, statesIn } from '../support/lease.js';
import { start, type TestChild } from '../support/processes.js';

const CROWD = fileURLToPath(new URL('lease-crowd.mjs', import.meta.url));
/** Long enough for the word to reach all, so that they start as one. */
const NOTICE_MS = 10;

/**
 * `count` processes race `rounds` times for a lease whose holder is silent for good, and each time all of them learn that
 * the last winner has died as well. One winner each time, the next token each time, and nothing is left behind.
 */
export async function raceForExpired(count: number, rounds: number): Promise<void> {
  const path = join(testDirectory(), 'lock');
  mkdirSync(path);
  const silent = { kind: 'held', generation: 5, leaseMs: 30_000, holderId: 'a'.repeat(26), beat: 3 } as const;
  writeFileSync(join(path, formatState(silent)), '');
  const racers = Array.from({ length: count }, () => new Racer(path));
  await Promise.all(racers.map((racer) => racer.answer()));
  let last = BigInt(silent.generation);
  for (let round = 0; round < rounds; round++) {
    const [expired = ''] = statesIn(path);
    const at = bootNow() + NOTICE_MS;
    for (const racer of racers) racer.tell(`go ${round} ${expired} ${at}`);
    const answers = await Promise.all(racers.map((racer) => racer.answer()));
    const winners = answers.filter((answer) => answer.startsWith(`${round} granted `));
    expect(winners).toHaveLength(1);
    expect(answers.filter((answer) => answer === `${round} no`)).toHaveLength(count - 1);
    const [, , token = '', holderId = ''] = String(winners[0]).split(' ');
    expect(BigInt(token)).toBeGreaterThan(last);
    last = BigInt(token);
    expect(statesIn(path)).toEqual([expect.stringContaining(`.${holderId}.`)]);
  }
  // The state, and the last winner's record: whoever lost has put its own away.
  expect(readdirSync(path)).toHaveLength(2);
}

class Racer {
  readonly #child: TestChild;
  readonly #answers: AsyncIterator<string>;

  constructor(path: string) {
    this.#child = start(process.execPath, [CROWD, path]);
    this.#answers = createInterface({ input: this.#child.process.stdout! })[Symbol.asyncIterator]();
  }

  tell(line: string): void {
    this.#child.process.stdin?.write(`${line}\n`);
  }

  async answer(): Promise<string> {
    const { value } = (await this.#answers.next()) as { value: string | undefined };
    if (value === undefined) throw new Error('a racer ended');
    return value;
  }
}
