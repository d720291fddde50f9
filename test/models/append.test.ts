import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';

import { AppendQueue } from '../../src/durable/append-queue.js';
import { appendProperty } from './append-model.js';
import { modelRuns } from './runs.js';

const COMPILED = fileURLToPath(new URL('../../dist/durable/append-queue.js', import.meta.url));

/** A copy of the compiled queue in which `was` reads `is`: a bug that the model must find. */
async function patched(was: string, is: string): Promise<typeof AppendQueue> {
  const text = readFileSync(COMPILED, 'utf8');
  if (text.split(was).length !== 2) throw new Error(`it does not contain once: ${was}`);
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-append-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'append-queue.mjs');
  writeFileSync(path, text.replace(was, is));
  const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
    AppendQueue: typeof AppendQueue;
  };
  return module.AppendQueue;
}

describe('appends that share a hold', () => {
  test('INV-APPEND-1 to INV-APPEND-5: durable when resolved, once, in order, failing alone, bounded', async () => {
    await fc.assert(
      appendProperty((parts) => new AppendQueue(parts)),
      modelRuns(1_500),
    );
  });

  test.each([
    [
      'resolves before the hold has ended well',
      'outcome = await this.#parts.write(texts, token);',
      'outcome = await this.#parts.write(texts, token), this.#settle(batch, texts, outcome);',
      /undurable|asked for/,
    ],
    [
      'writes what was canceled',
      'this.#waiting.delete(entry))\n            return false',
      'this.#waiting.has(entry)) return false',
      /asked for|written, and told|for ever/,
    ],
    [
      'writes those behind a cut again with it',
      'count + 1 : batch.length',
      'count : batch.length',
      /twice|asked for|after/,
    ],
    ['fails those behind a cut', 'outcome.isRestUntouched === true', 'false', /of another/],
    [
      'lets those behind a cut wait at the end',
      '[...wanted, ...this.#waiting]',
      '[...this.#waiting, ...wanted]',
      /is written after|for ever/,
    ],
    [
      'forgets the deadlines of those behind a cut',
      'if (next < this.#firesAt)\n            this.#arm(next);\n    }\n    /** What one',
      'if (false)\n            this.#arm(next);\n    }\n    /** What one',
      /past its deadline/,
    ],
    ['has no bound', 'batch.length >= most.texts', 'false', /one hold writes/],
    ['has no bound of size', 'characters >= most.characters', 'false', /one hold writes/],
    ['passes a seal', 'entry.series !== first?.series', 'false', /a seal was passed/],
    [
      'writes again what may be there',
      'const failedUpTo = outcome.isRestUntouched === true ?',
      'const failedUpTo = true ?',
      /asked for|twice|after/,
    ],
  ])('the model finds a queue that %s', async (_, was, is, complaint) => {
    const Mutant = await patched(was, is);
    const failure = await fc.check(
      appendProperty((parts) => new Mutant(parts)),
      { seed: 1, numRuns: 20_000 },
    );
    expect(failure.failed).toBe(true);
    expect(String(failure.errorInstance)).toMatch(complaint);
  });
});
