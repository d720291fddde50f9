import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, onTestFinished, test } from 'vitest';

import { holdChannel } from '../../src/core/events.js';
import { acquire } from '../../src/locks/acquire.js';
import { lockFor } from '../../src/locks/lock.js';
import { JsonLines } from '../../src/durable/json-lines.js';
import type { InvalidLine } from '../../src/durable/record-decoder.js';
import { fullDisk } from '../support/full-disk.js';
import { testDirectory } from '../support/directory.js';
import { start } from '../support/processes.js';

const APPENDER = new URL('fixtures/appender.mjs', import.meta.url).pathname;

interface Entry {
  readonly n: number;
}

async function all<T extends object>(lines: JsonLines<T>, options = {}): Promise<T[]> {
  const records: T[] = [];
  for await (const record of lines.read(options)) records.push(record);
  return records;
}

test('eight processes append 500 each, one of them is killed: each acknowledged line is there once, none is torn', async () => {
  const directory = mkdtempSync('/dev/shm/holdfast-');
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'log.jsonl');
  const children = Array.from({ length: 8 }, (_, i) =>
    start(process.execPath, [APPENDER, path, `w${i}`, '500']),
  );
  const victim = children[3] as (typeof children)[number];
  await victim.line(new RegExp(`^${50 + Math.floor(Math.random() * 200)}$`));
  process.kill(victim.pid, 'SIGKILL');
  const acknowledged = new Map<string, number>();
  for (const [i, child] of children.entries()) {
    const { stdout } = await child.exited;
    acknowledged.set(`w${i}`, stdout.split('\n').length - 1);
  }
  const invalid: InvalidLine[] = [];
  const seen = new Map<string, number[]>();
  const lines = new JsonLines<{ name: string; number: number }>(path);
  for await (const { name, number } of lines.read({ onInvalid: (line) => invalid.push(line) })) {
    seen.set(name, [...(seen.get(name) ?? []), number]);
  }
  for (const [name, count] of acknowledged) {
    const numbers = seen.get(name) ?? [];
    // The victim may have written one more than it could say.
    expect(numbers.length - count).toBeLessThanOrEqual(name === 'w3' ? 1 : 0);
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i));
    expect(numbers.length).toBeGreaterThanOrEqual(count);
  }
  expect(invalid.every(({ text }) => text.includes('w3'))).toBe(true);
});

describe('a line that was cut short', () => {
  test('is no record, stays where it is, and is copied aside before the next append ends it', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path);
    await lines.append({ n: 1 });
    appendFileSync(path, '{"n":2,"text":"hal');
    const torn = readFileSync(path);
    expect(await all(lines)).toEqual([{ n: 1 }]);
    await lines.append({ n: 3 });
    // Nothing before the end of the torn text has moved: a reader that stands in it reads on in order.
    expect(readFileSync(path).subarray(0, torn.length).equals(torn)).toBe(true);
    expect(readFileSync(path, 'utf8')).toBe('{"n":1}\n{"n":2,"text":"hal\n{"n":3}\n');
    expect(readFileSync(`${path}.torn`, 'utf8')).toBe('{"n":2,"text":"hal\n');
    const invalid: InvalidLine[] = [];
    expect(await all(lines, { onInvalid: (line: InvalidLine) => invalid.push(line) })).toEqual([
      { n: 1 },
      { n: 3 },
    ]);
    expect(invalid).toMatchObject([{ lineNumber: 2, offset: 8, text: '{"n":2,"text":"hal' }]);
  });

  test('a full disk refuses the append, and the next one goes on', async () => {
    const { directory } = fullDisk(64);
    const path = join(directory, 'log.jsonl');
    const lines = new JsonLines<{ n: number; text?: string }>(path);
    await lines.append({ n: 1 });
    await expect(lines.append({ n: 2, text: 'x'.repeat(100_000) })).rejects.toMatchObject({
      code: 'HOLDFAST_IO',
      message: expect.stringMatching(/no space is left on the device for 1000\d\d bytes/),
    });
    expect(await all(lines)).toEqual([{ n: 1 }]);
    // The torn text fills the disk, so that not even a copy of it has room: still refused, still readable.
    await expect(lines.append({ n: 3 })).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
    expect(await all(lines)).toEqual([{ n: 1 }]);
  });

  test('a reader at work while it happens sees each record once', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path);
    await lines.append({ n: 1 });
    appendFileSync(path, '{"n":2');
    const reading = lines.read();
    expect(await reading.next()).toMatchObject({ value: { n: 1 } });
    await lines.append({ n: 3 });
    expect(await reading.next()).toMatchObject({ value: { n: 3 } });
    expect(await reading.next()).toMatchObject({ done: true });
  });
});

test('reads files larger than a chunk, lines longer than a chunk, and letters that straddle one', async () => {
  const path = join(testDirectory(), 'log.jsonl');
  const lines = new JsonLines<{ n: number; text: string }>(path);
  const records = Array.from({ length: 200 }, (_, n) => ({ n, text: 'ä€😀'.repeat((n * 97) % 900) }));
  records.push({ n: 200, text: 'long'.repeat(60_000) });
  await lines.appendAll(records);
  expect(statSync(path).size).toBeGreaterThan(900_000);
  expect(await all(lines)).toEqual(records);
});

test('batches are the same records; calls of next() before an answer are answered in order; leaving closes the file', async () => {
  const path = join(testDirectory(), 'log.jsonl');
  const lines = new JsonLines<{ n: number; text: string }>(path);
  // Several readings of the file.
  const records = Array.from({ length: 3_000 }, (_, n) => ({ n, text: 'x'.repeat(300) }));
  await lines.appendAll(records);
  const batches: (typeof records)[] = [];
  for await (const batch of lines.readBatches()) batches.push(batch);
  expect(batches.length).toBeGreaterThan(2);
  expect(batches.flat()).toEqual(records);
  const open = (): number => readdirSync('/proc/self/fd').length;
  const before = open();
  const reading = lines.read();
  const answers = await Promise.all(Array.from({ length: 3_001 }, () => reading.next()));
  expect(answers.map(({ value }) => value?.n)).toEqual([...records.map(({ n }) => n), undefined]);
  for await (const { n } of lines.read()) if (n === 2_000) break;
  expect(open()).toBe(before);
});

test('what is no record is skipped and told', async () => {
  const path = join(testDirectory(), 'log.jsonl');
  writeFileSync(path, '{"n":1}\n12\n\n"text"\nnull\n[1]\n{bad}\r\n{"n":2}\r\n');
  const invalid: InvalidLine[] = [];
  const options = { onInvalid: (line: InvalidLine) => invalid.push(line) };
  expect(await all(new JsonLines<object>(path), options)).toEqual([{ n: 1 }, [1], { n: 2 }]);
  expect(invalid.map(({ lineNumber }) => lineNumber)).toEqual([2, 4, 5, 7]);
  const strict = new JsonLines(path, { schema: v.object({ n: v.pipe(v.number(), v.minValue(2)) }) });
  expect(await all(strict)).toEqual([{ n: 2 }]);
  await expect(new JsonLines<Entry>(path).append(5 as never)).rejects.toThrow('an object or an array');
  expect(await all(new JsonLines<Entry>(join(testDirectory(), 'none.jsonl')))).toEqual([]);
});

describe('appends that wait at the same time', () => {
  test('share holds of the lock, in the order of the calls', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path);
    let holds = 0;
    const count = (): void => void holds++;
    holdChannel.start.subscribe(count);
    onTestFinished(() => holdChannel.start.unsubscribe(count));
    await Promise.all(Array.from({ length: 64 }, (_, n) => lines.append({ n })));
    expect(await all(lines)).toEqual(Array.from({ length: 64 }, (_, n) => ({ n })));
    expect(holds).toBeLessThanOrEqual(2);
  });

  test('a disk that is full in the midst of them: what resolved is there, what failed is not, none is there twice', async () => {
    const { directory } = fullDisk(64);
    const path = join(directory, 'log.jsonl');
    const lines = new JsonLines<{ n: number; text: string }>(path);
    await lines.append({ n: -1, text: '' });
    const outcomes = await Promise.allSettled(
      Array.from({ length: 64 }, (_, n) => lines.append({ n, text: 'x'.repeat(1_000) })),
    );
    const resolved = outcomes.flatMap(({ status }, n) => (status === 'fulfilled' ? [n] : []));
    expect(resolved.length).toBeGreaterThan(0);
    expect(resolved.length).toBeLessThan(64);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'HOLDFAST_IO' });
    }
    expect((await all(lines)).map(({ n }) => n)).toEqual([-1, ...resolved]);
  });

  test('a record that was cut right before its newline never becomes one', async () => {
    // Pages of 4 096 bytes: the second line fills the last one but for its newline.
    const { directory } = fullDisk(64);
    const path = join(directory, 'log.jsonl');
    const lines = new JsonLines<{ n: number; text: string }>(path);
    await lines.append({ n: 1, text: '' });
    const ballast = openSync(join(directory, 'ballast'), 'a');
    for (let isFull = false; !isFull;) {
      try {
        writeSync(ballast, Buffer.alloc(4_096));
      } catch {
        isFull = true;
      }
    }
    closeSync(ballast);
    const room = 4_096 - statSync(path).size;
    const text = 'x'.repeat(room - '{"n":2,"text":""}'.length);
    await expect(lines.append({ n: 2, text })).rejects.toMatchObject({ code: 'HOLDFAST_IO' });
    expect(statSync(path).size).toBe(4_096);
    unlinkSync(join(directory, 'ballast'));
    await lines.append({ n: 3, text: '' });
    expect((await all(lines)).map(({ n }) => n)).toEqual([1, 3]);
  });

  test('INV-APPEND-6: what others append in between, whole or torn, is seen', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const [mine, other] = [new JsonLines<Entry>(path), new JsonLines<Entry>(path)];
    await mine.append({ n: 1 });
    await other.append({ n: 2 }, { fencingToken: 7n });
    await expect(mine.append({ n: 3 })).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    await mine.append({ n: 4 }, { fencingToken: 8n });
    appendFileSync(path, '{"n":5');
    await mine.append({ n: 6 }, { fencingToken: 8n });
    renameSync(path, `${path}.old`);
    await mine.append({ n: 7 });
    expect(readFileSync(path, 'utf8')).toBe('{"n":7}\n');
    expect((await all(new JsonLines<Entry>(`${path}.old`))).map(({ n }) => n)).toEqual([1, 2, 4, 6]);
  });

  test('a caller that times out or cancels is never written, and is told of the holder', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path);
    const guard = await acquire(lockFor(path));
    const stop = new AbortController();
    const waiting = [
      lines.append({ n: 1 }, { signal: stop.signal }),
      lines.append({ n: 2 }, { timeoutMs: 20 }),
      lines.append({ n: 3 }),
    ];
    const outcomes = Promise.allSettled(waiting);
    await expect(waiting[1]).rejects.toMatchObject({
      code: 'HOLDFAST_TIMEOUT',
      message: expect.stringMatching(
        new RegExp(`within timeout 20 ms \\(timeoutMs\\): .*pid ${process.pid}`),
      ),
    });
    stop.abort('enough');
    await expect(waiting[0]).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED', cause: 'enough' });
    await guard.release();
    expect((await outcomes).map(({ status }) => status)).toEqual(['rejected', 'rejected', 'fulfilled']);
    expect(await all(lines)).toEqual([{ n: 3 }]);
  });

  test('a record is what it was when append was called, and one that JSON cannot say fails alone', async () => {
    const lines = new JsonLines<{ n: unknown }>(join(testDirectory(), 'log.jsonl'));
    const record = { n: 1 };
    const first = lines.append(record);
    record.n = 2;
    const bad = lines.append({ n: 3n });
    await Promise.all([first, expect(bad).rejects.toThrow(TypeError)]);
    expect(await all(lines)).toEqual([{ n: 1 }]);
  });
});

describe('rotation', () => {
  test('keeps so many files, and reads them from the oldest', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path, { rotation: { maxSizeBytes: 20, keep: 2 } });
    for (let n = 0; n < 7; n++) await lines.append({ n });
    expect(await all(lines)).toEqual([{ n: 6 }]);
    expect(await all(lines, { includesRotated: true })).toEqual([2, 3, 4, 5, 6].map((n) => ({ n })));
    expect(existsSync(`${path}.3`)).toBe(false);
  });

  test('while a reader is in the oldest file, it misses none and sees none twice', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path, { rotation: { maxSizeBytes: 20, keep: 3 } });
    for (let n = 0; n < 6; n++) await lines.append({ n });
    const reading = lines.read({ includesRotated: true });
    const seen = [(await reading.next()).value as Entry];
    for (let n = 6; n < 10; n++) await lines.append({ n });
    for await (const record of reading) seen.push(record);
    expect(seen.map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5]);
  });
});

describe('fencing', () => {
  test('an append under an older token, or none, changes no byte; a rotation does not forget the token', async () => {
    const path = join(testDirectory(), 'log.jsonl');
    const lines = new JsonLines<Entry>(path, { rotation: { maxSizeBytes: 60, keep: 1 } });
    await lines.append({ n: 1 });
    await lines.append({ n: 2 }, { fencingToken: 7n });
    const before = readFileSync(path);
    for (const options of [{ fencingToken: 6n }, {}]) {
      await expect(lines.append({ n: 3 }, options)).rejects.toMatchObject({ code: 'HOLDFAST_LOST' });
    }
    expect(readFileSync(path).equals(before)).toBe(true);
    appendFileSync(path, '{"n":4,"torn');
    await expect(lines.append({ n: 3 }, { fencingToken: 6n })).rejects.toMatchObject({
      code: 'HOLDFAST_LOST',
    });
    // A crash between the rotation and the first line of the new file.
    writeFileSync(`${path}.1`, before);
    writeFileSync(path, '');
    await expect(lines.append({ n: 3 }, { fencingToken: 6n })).rejects.toMatchObject({
      code: 'HOLDFAST_LOST',
    });
    await lines.append({ n: 5 }, { fencingToken: 8n });
    expect(await all(lines)).toEqual([{ n: 5 }]);
  });
});

test('a byte order mark at the beginning, or where two files were joined, costs no record', async () => {
  const path = join(testDirectory(), 'log.jsonl');
  writeFileSync(path, '\uFEFF{"n":1}\n{"n":2}\n\uFEFF{"n":3}\n');
  const lines = new JsonLines<Entry>(path);

  await lines.append({ n: 4 });

  expect(await all(lines)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
});
