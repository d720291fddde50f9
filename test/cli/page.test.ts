import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

import { encodeTraceEvent, encodeTraceHead } from '../../src/files/trace-format.js';
import { testDirectory } from '../support/directory.js';
import { holdfast, startHolder } from '../support/holdfast.js';

const NASTY = '</script><img src=x onerror=alert(1)>\u001b[31m';

function record(directory: string): void {
  const head = encodeTraceHead({ pid: 7, startTime: 1, bootId: 'b', program: `p${NASTY}` }, 0, {
    monotonicMs: 0,
    wallMs: 1_000,
  });
  const event = { lock: `/x${NASTY}`, backend: 'flock', mode: 'exclusive' } as const;
  const lines = [
    encodeTraceEvent({ ...event, kind: 'wait', at: 20, ms: 10, outcome: 'acquired' }),
    encodeTraceEvent({ ...event, kind: 'hold', at: 50, ms: 30, outcome: `lost: ${NASTY}` }),
  ];
  writeFileSync(join(directory, 'trace-7-1-0-0.ndjson'), [head, ...lines].join(''));
}

/** What a browser would make of it, as far as that can be told without one. */
function expectHarmless(page: string): void {
  expect(page).not.toMatch(/<img|\u001b/);
  expect(page.match(/<script/g)).toHaveLength(2);
  expect(page).not.toMatch(/(?:src|href)="?(?:https?:|\/\/)/);
  expect(page).toContain(`default-src 'none'`);
}

test('an exported trace is one page without requests, in which names are text', async () => {
  const directory = testDirectory();
  record(directory);
  expect((await holdfast(directory, ['trace', 'export', 'x.html', '.'])).code).toBe(0);
  const page = readFileSync(join(directory, 'x.html'), 'utf8');
  expectHarmless(page);
  const data = JSON.parse(/id="data">(.*?)<\/script>/s.exec(page)?.[1] as string) as Record<string, unknown>;
  expect(data).toMatchObject({
    lengthMs: 40,
    processes: [expect.stringContaining('img src=x')],
    momentMs: 5,
  });
  expect(data['spans']).toEqual([
    [0, 0, 0, 0, 10, 'acquired'],
    [1, 0, 0, 10, 40, expect.stringContaining('lost')],
  ]);
});

test('for Perfetto it is the trace event format', async () => {
  const directory = testDirectory();
  record(directory);
  expect((await holdfast(directory, ['trace', 'export', 'x.json', '.'])).code).toBe(0);
  const { traceEvents } = JSON.parse(readFileSync(join(directory, 'x.json'), 'utf8')) as {
    traceEvents: object[];
  };
  expect(traceEvents.slice(-2)).toMatchObject([
    { ph: 'X', cat: 'wait', pid: 0, tid: 1, ts: 0, dur: 10_000 },
    { ph: 'X', cat: 'hold', pid: 0, tid: 0, ts: 10_000, dur: 30_000 },
  ]);
  expect((await holdfast(directory, ['trace', 'export', 'x.txt', '.'])).code).toBe(64);
});

test('the present moment is a page of the same kind', async () => {
  const directory = testDirectory();
  const holder = await startHolder(directory, ['x<img src=x>.lock']);
  expect((await holdfast(directory, ['top', '--export', 'now.html'])).code).toBe(0);
  const page = readFileSync(join(directory, 'now.html'), 'utf8');
  expectHarmless(page);
  expect(page).toContain('x&lt;img src=x&gt;.lock');
  await holder.end();
});
