import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { conformanceCases, timing, type Subject } from '../../dist/testing/index.js';
import { startEtcd, startPostgres, startRedis } from '../support/engines.js';
import { startPgbouncer } from '../support/pgbouncer.js';
import { hangMs as longest, machineUnit } from '../support/time.js';
import { mutants } from './engine-mutants.mjs';

type Mutants = Record<string, [id: string, complaint: RegExp, subject: Subject]>;

const { hangMs } = timing;
const stops: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  // Longer than the sound ones take to take over from the dead.
  timing.hangMs = 8_000 * machineUnit;
  const [redis, etcd, postgres] = await Promise.all([startRedis(), startEtcd(), startPostgres()]);
  const pooler = await startPgbouncer(postgres, 'transaction');
  process.env['HOLDFAST_TEST_REDIS'] = redis.url;
  process.env['HOLDFAST_TEST_ETCD'] = etcd.url;
  process.env['HOLDFAST_TEST_POSTGRES'] = postgres.url;
  process.env['HOLDFAST_TEST_PGBOUNCER'] = pooler.url;
  stops.push(async () => pooler[Symbol.asyncDispose](), redis.stop, etcd.stop, postgres.stop);
});
afterAll(async () => {
  timing.hangMs = hangMs;
  for (const stop of stops) await stop();
});

async function expectFound([id, complaint, subject]: Mutants[string]): Promise<void> {
  const found = conformanceCases.find((conformanceCase) => conformanceCase.id === id);
  expect(found?.appliesTo(subject)).toBe(true);
  await expect(found?.run(subject)).rejects.toThrow(complaint);
}

const entries = Object.entries(mutants as unknown as Mutants);
const isRace = ([, [id]]: (typeof entries)[number]): boolean => id === 'EXCL-3';

// At the same time: most of them are found by something that does not happen for seconds.
describe.concurrent('the suite finds', () => {
  for (const [name, mutant] of entries.filter((entry) => !isRace(entry))) {
    test(`${name}, by ${mutant[0]}`, () => expectFound(mutant));
  }
});

describe('the suite finds, by processes that race', () => {
  for (const [name, mutant] of entries.filter(isRace)) {
    test(`${name}, by ${mutant[0]}`, async () => {
      timing.hangMs = longest;
      await expectFound(mutant);
    });
  }
});
