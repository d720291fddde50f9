import { metrics, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';

import { acquire, tryAcquire, withLock } from '../../dist/index.js';
import { bridgeToOpenTelemetry } from '../../dist/observe/index.js';
import { testDirectory } from '../support/directory.js';
import { machineUnit } from '../support/time.js';

const spans = new InMemorySpanExporter();
const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
const exported = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({ exporter: exported, exportIntervalMillis: 3_600_000 });
const meterProvider = new MeterProvider({ readers: [reader] });

beforeAll(() => {
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
});
beforeEach(async () => {
  await reader.forceFlush();
  exported.reset();
  spans.reset();
});
afterAll(async () => {
  await tracerProvider.shutdown();
  await meterProvider.shutdown();
  trace.disable();
  metrics.disable();
});

function bridged(options?: Parameters<typeof bridgeToOpenTelemetry>[0]): string {
  onTestFinished(bridgeToOpenTelemetry(options));
  return join(testDirectory(), 'x.lock');
}

const named = (name: string): ReadableSpan[] => spans.getFinishedSpans().filter((span) => span.name === name);

test('a lock becomes a span of its wait and one of its hold', async () => {
  const path = bridged();

  await withLock(path, () => undefined);

  const attributes = {
    'holdfast.resource': path,
    'holdfast.backend': 'flock',
    'holdfast.mode': 'exclusive',
  };
  expect(named('holdfast.acquire')).toMatchObject([
    { attributes: { ...attributes, 'holdfast.outcome': 'acquired' }, status: { code: SpanStatusCode.UNSET } },
  ]);
  expect(named('holdfast.hold')).toMatchObject([
    {
      attributes: {
        ...attributes,
        'holdfast.outcome': 'released',
        'holdfast.holder_id': expect.stringMatching(/^[a-z2-7]{26}$/),
      },
    },
  ]);
});

test('a timeout is an error with its exception; a try that finds the lock held is none', async () => {
  const path = bridged();
  const guard = await acquire(path);

  expect(await tryAcquire(path)).toBeUndefined();
  await expect(acquire(path, { timeoutMs: 20 })).rejects.toMatchObject({ code: 'HOLDFAST_TIMEOUT' });
  await guard.release();

  expect(named('holdfast.acquire')).toMatchObject([
    { attributes: { 'holdfast.outcome': 'acquired' }, status: { code: SpanStatusCode.UNSET } },
    { attributes: { 'holdfast.outcome': 'contended' }, status: { code: SpanStatusCode.UNSET } },
    {
      attributes: { 'holdfast.outcome': 'timeout' },
      status: { code: SpanStatusCode.ERROR, message: 'timeout' },
      events: [{ name: 'exception' }],
    },
  ]);
});

test('waits and holds are measured by backend, mode and outcome, without names of resources', async () => {
  const path = bridged({ spans: false });
  await withLock(path, () => undefined);
  const guard = await acquire(path, { mode: 'shared' });

  await reader.forceFlush();

  const points = exported
    .getMetrics()
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .flatMap(({ descriptor, dataPoints }) =>
      dataPoints.map(({ attributes, value }) => ({ name: descriptor.name, attributes, value })),
    );
  const exclusive = { 'holdfast.backend': 'flock', 'holdfast.mode': 'exclusive' };
  const shared = { 'holdfast.backend': 'flock', 'holdfast.mode': 'shared' };
  const count = (n: number): unknown => expect.objectContaining({ count: n });
  expect(points).toEqual(
    expect.arrayContaining([
      {
        name: 'holdfast.acquire.duration',
        attributes: { ...exclusive, 'holdfast.outcome': 'acquired' },
        value: count(1),
      },
      {
        name: 'holdfast.hold.duration',
        attributes: { ...exclusive, 'holdfast.outcome': 'released' },
        value: count(1),
      },
      { name: 'holdfast.held', attributes: exclusive, value: 0 },
      { name: 'holdfast.held', attributes: shared, value: 1 },
    ]),
  );
  expect(JSON.stringify(points)).not.toContain(path);
  expect(spans.getFinishedSpans()).toEqual([]);
  await guard.release();
});

test('renewals of a lease are counted', async () => {
  bridged({ spans: false });
  const guard = await acquire(`lease:${join(testDirectory(), 'lease')}`, {
    leaseDurationMs: 1_000 * machineUnit,
  });

  await expect
    .poll(async () => {
      await reader.forceFlush();
      return JSON.stringify(exported.getMetrics());
    })
    .toContain('"holdfast.outcome":"renewed"');
  await guard.release();
});

test('nothing is told any more after the end of the bridge', async () => {
  const stop = bridgeToOpenTelemetry();
  stop();

  await withLock(join(testDirectory(), 'x.lock'), () => undefined);

  expect(spans.getFinishedSpans()).toEqual([]);
});
