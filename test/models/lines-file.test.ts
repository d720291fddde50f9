import { appendFileSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';

import type { Guard } from '../../src/core/guard.js';
import { appendWriter, plainAppend, type AppendWriter } from '../../src/durable/append-write.js';
import { LinesFile } from '../../src/durable/lines-file.js';
import { testDirectory } from '../support/directory.js';
import { modelRuns } from './runs.js';

type Step =
  /** One of two objects appends, as two processes would in turn. */
  | { readonly do: 'append'; readonly by: 0 | 1; readonly texts: number }
  /** A program that asks for no lock. */
  | { readonly do: 'write'; readonly text: string }
  /** Another file takes the name: of the same size, and whole or not. */
  | { readonly do: 'replace'; readonly isTorn: boolean };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      by: fc.constantFrom<0 | 1>(0, 1),
      texts: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('write' as const),
      text: fc.constantFrom('{"foreign":1}\n', '{"for', '\n', ' '),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('replace' as const), isTorn: fc.boolean() }) },
);

const HELD = { assertHeld: () => undefined } as Guard;

async function run(path: string, writer: AppendWriter, steps: readonly Step[]): Promise<void> {
  rmSync(path, { force: true });
  const files = [new LinesFile(path, {}, writer), new LinesFile(path, {}, writer)];
  let expected: number[] = [];
  let count = 0;
  for (const each of steps) {
    if (each.do === 'write') appendFileSync(path, each.text);
    else if (each.do === 'replace') {
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      writeFileSync(
        `${path}.new`,
        `${' '.repeat(Math.max(0, size - 1))}${each.isTorn ? 'x' : '\n'}`.slice(0, size),
      );
      renameSync(`${path}.new`, path);
      expected = [];
    } else {
      const ids = Array.from({ length: each.texts }, () => count++);
      const lines = ids.map((n) => `{"n":${n}}\n`);
      const { count: written } = await (files[each.by] as LinesFile).append(HELD, undefined, lines);
      if (written !== ids.length) throw new Error(`${written} of ${ids.length} were written`);
      expected.push(...ids);
    }
    const seen = recordsIn(path);
    if (seen.join() !== expected.join())
      throw new Error(`acknowledged: ${expected.join()}; a reader finds ${seen.join()}`);
  }
}

/** As a reader finds them: lines that end, and are JSON. */
function recordsIn(path: string): number[] {
  const lines = readText(path).split('\n').slice(0, -1);
  return lines.flatMap((line) => {
    try {
      const { n } = JSON.parse(line) as { n?: number };
      return n === undefined ? [] : [n];
    } catch {
      return [];
    }
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function property(writer: AppendWriter) {
  const path = join(testDirectory(), 'log.jsonl');
  return fc.asyncProperty(fc.array(step, { maxLength: 12 }), (steps) => run(path, writer, steps));
}

/** A writer that takes what it is told of the file for true where `isTrusted` says so. */
function trusting(isTrusted: (order: BigUint64Array, found: BigUint64Array) => boolean): AppendWriter {
  return (order) => {
    const { dev, ino, size, ctimeNs } = statSync(order.path, { bigint: true });
    const found = new BigUint64Array([dev, ino, size, ctimeNs]);
    if (isTrusted(order.state, found)) order.state.set(found);
    return appendWriter()(order);
  };
}

describe('the writing side of a JSON Lines file', () => {
  test.each([
    ['the addon', appendWriter()],
    ['node:fs', plainAppend],
  ])(
    'INV-APPEND-6: with %s, what was acknowledged is there once, whatever others write in between',
    async (_, writer) => {
      await fc.assert(property(writer), modelRuns(150));
    },
  );

  test.each<[string, AppendWriter]>([
    ['compares nothing', trusting(() => true)],
    ['compares the size only', trusting((known, found) => known[2] === found[2])],
    ['compares no size', trusting((known, found) => known[0] === found[0] && known[1] === found[1])],
  ])('the model finds a writer that %s', async (_, writer) => {
    const failure = await fc.check(property(writer), { seed: 1, numRuns: 2_000, endOnFailure: true });
    expect(String(failure.errorInstance)).toMatch(/a reader finds/);
  });
});
