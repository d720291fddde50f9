import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { encodeTraceEvent, encodeTraceHead, type TraceEvent } from '../../src/files/trace-format.js';
import { readTrace } from '../../src/observe/trace-reader.js';
import { summarize } from '../../src/observe/trace-summary.js';
import { testDirectory } from '../support/directory.js';
import { dataOf, holdfast, startHolder, startHoldfast, says } from '../support/holdfast.js';
import { start } from '../support/processes.js';

const library = new URL('../../dist/index.js', import.meta.url).href;

function startUser(directory: string, code: string): ReturnType<typeof start> {
  const source = `import { acquire, withLock } from ${JSON.stringify(library)};\n${code}`;
  const env = { ...process.env, HOLDFAST_TRACE: directory };
  return start(process.execPath, ['--input-type=module', '-e', source], { env });
}

interface Summary {
  readonly locks: readonly {
    lock: string;
    waits: number;
    waitedMs: number;
    holds: number;
    heldMs: number;
    lost: number;
    failed: number;
  }[];
  readonly blockers: readonly { pid: number; program?: string; causedMs: number }[];
}

describe('HOLDFAST_TRACE', () => {
  test('records waits, holds and who caused them, of the library and of run', async () => {
    const directory = testDirectory();
    const trace = join(directory, 'trace');
    const env = { HOLDFAST_TRACE: trace };
    const lock = join(directory, 'x.lock');
    const holder = startUser(
      trace,
      `const guard = await acquire(${JSON.stringify(lock)}); console.log('held'); process.stdin.once('data', () => guard.release().then(() => process.exit(0)));`,
    );
    await holder.line(/^held$/);
    const waiter = startHoldfast(directory, ['run', '-w', '100s', 'x.lock', 'true'], { env });
    await says(waiter, 'x.lock');
    const timedOut = await holdfast(directory, ['run', '-w', '50ms', 'x.lock', 'true'], { env });
    expect(timedOut.code).toBe(75);
    holder.process.stdin?.write('x');
    expect((await waiter.outcome).code).toBe(0);
    await holder.exited;
    const { stdout } = await holdfast(directory, ['trace', '--json', trace]);
    const { locks, blockers } = dataOf<Summary>(stdout);
    expect(locks).toHaveLength(1);
    expect(locks[0]).toMatchObject({ lock, holds: 2, failed: 1, lost: 0 });
    // On a busy machine an uncontended call may take a millisecond too.
    expect(locks[0]?.waits).toBeGreaterThanOrEqual(2);
    expect(blockers[0]?.pid).toBe(holder.pid);
    expect(blockers[0]?.causedMs).toBeGreaterThan(0);
    const text = (await holdfast(directory, ['trace'], { env })).stdout;
    expect(text).toMatch(/BLOCKER\s+LOCK\s+CAUSED/);
  });

  test('a directory that cannot be used ends no hold; nothing is recorded that lasted no millisecond', async () => {
    const directory = testDirectory();
    writeFileSync(join(directory, 'file'), '');
    const lock = join(directory, 'x.lock');
    const refused = await holdfast(directory, ['run', 'x.lock', 'true'], {
      env: { HOLDFAST_TRACE: join(directory, 'file', 'x') },
    });
    expect(refused.code).toBe(0);
    const trace = join(directory, 'trace');
    const child = startUser(
      trace,
      `for (let i = 0; i < 50; i++) await withLock(${JSON.stringify(lock)}, () => {});`,
    );
    expect((await child.exited).code).toBe(0);
    const spans = readTrace(trace).spans.filter(({ endMs, startMs }) => endMs - startMs < 1);
    expect(spans).toEqual([]);
  });

  test('keeps 2 MB of a process in one file and 16 MB in all, the newest', async () => {
    const directory = testDirectory();
    const child = startUser(
      directory,
      `const { tracingChannel } = await import('node:diagnostics_channel');
       await withLock(${JSON.stringify(join(directory, 'x.lock'))}, () => {});
       const event = { lock: '/' + 'x'.repeat(900), backend: 'flock', mode: 'exclusive', heldMs: 2 };
       for (let i = 0; i < 25_000; i++) tracingChannel('holdfast:hold').asyncEnd.publish({ ...event });`,
    );
    expect((await child.exited).code).toBe(0);
    const sizes = readdirSync(directory)
      .filter((name) => name.startsWith('trace-'))
      .map((name) => statSync(join(directory, name)).size);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(2 * 1024 * 1024);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(16 * 1024 * 1024);
    expect(sizes.length).toBeGreaterThan(5);
    // Those that went are the first.
    expect(readdirSync(directory).some((name) => name.endsWith('-0.ndjson'))).toBe(false);
  });
});

const event = (more: Partial<TraceEvent>): string =>
  encodeTraceEvent({
    kind: 'hold',
    lock: '/x',
    backend: 'flock',
    mode: 'exclusive',
    at: 0,
    ms: 1,
    outcome: 'released',
    ...more,
  });

function write(directory: string, pid: number, lines: readonly string[]): void {
  const head = encodeTraceHead({ pid, startTime: 1, bootId: 'b', program: `p${pid}` }, 0, {
    monotonicMs: 1_000 + pid,
    wallMs: 5_000,
  });
  writeFileSync(join(directory, `trace-${pid}-1-0-0.ndjson`), [head, ...lines].join(''));
}

test('the summary attributes a wait to those who held meanwhile', () => {
  const directory = testDirectory();
  write(directory, 1, [event({ at: 2_000, ms: 300 }), event({ at: 2_500, ms: 100 })]);
  write(directory, 2, [
    event({ kind: 'wait', at: 2_000, ms: 200, outcome: 'acquired' }),
    event({ at: 2_350, ms: 350 }),
    event({ kind: 'wait', at: 2_450, ms: 20, outcome: 'timeout' }),
    event({ lock: '/y', at: 2_600, ms: 5, outcome: 'lost: expired' }),
    '{"kind":"hold"}\n',
    'torn {',
  ]);
  const { locks, blockers } = summarize(readTrace(directory));
  expect(locks).toMatchObject([
    {
      lock: '/x',
      waits: 2,
      waitedMs: 220,
      p50Ms: 20,
      p95Ms: 200,
      maxMs: 200,
      holds: 3,
      heldMs: 750,
      failed: 1,
      lost: 0,
    },
    { lock: '/y', waits: 0, holds: 1, lost: 1 },
  ]);
  expect(blockers).toMatchObject([{ pid: 1, program: 'p1', lock: '/x', causedMs: 220, holds: 2 }]);
});

test('files of others in the directory are passed over', async () => {
  const directory = testDirectory();
  write(directory, 1, [event({ at: 2_000, ms: 300 })]);
  symlinkSync('/etc/passwd', join(directory, 'trace-2-1-0-0.ndjson'));
  mkdirSync(join(directory, 'trace-3-1-0-0.ndjson'));
  writeFileSync(join(directory, 'trace-4-1-0-0.ndjson'), Buffer.alloc(6_000_000, '{'));
  writeFileSync(join(directory, 'trace-5-1-0-0.ndjson'), '{"format":9,"pid":1,"monotonicMs":1,"wallMs":1}\n');
  expect(readTrace(directory).spans).toHaveLength(1);
  const holder = await startHolder(directory, ['y.lock']);
  expect((await holdfast(directory, ['trace', '.'])).code).toBe(0);
  await holder.end();
  expect(readFileSync('/etc/passwd', 'utf8')).toContain('root');
  expect((await holdfast(directory, ['trace', 'missing'])).code).toBe(74);
  expect((await holdfast(directory, ['trace'])).code).toBe(64);
});
