import { describe, expect, test } from 'vitest';

import { codeOf } from '../locks/support.js';
import { InventedClock, settle } from '../models/invented-clock.js';
import { ModelBackend } from '../models/model-backend.js';
import { acquire } from '../../src/core/acquisition.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions } from '../../src/core/options.js';
import { backends, programs } from './stepped.js';
import { hangMs } from '../support/time.js';

describe.each(Object.entries(backends))('%s', (_, backend) => {
  test('INV-FLOCK-6, INV-MEM-3: an abort between the grant and the call that waits for it: canceled, and nobody holds', async () => {
    const { steps, stepped, other } = programs(backend);
    const guard = await other();
    const stop = new AbortController();
    steps.afterGrant = () => stop.abort();
    const call = codeOf(stepped({ signal: stop.signal }));
    await settle();
    await guard.release();
    expect(await call).toBe('HOLDFAST_CANCELED');
    await (await other({ timeoutMs: hangMs })).release();
  });

  test('an abort in the statement after the release: a hold or none, never one that nobody has', async () => {
    const { stepped, other } = programs(backend);
    const guard = await other();
    const stop = new AbortController();
    const call = stepped({ signal: stop.signal }).then(
      (granted) => granted.release(),
      () => undefined,
    );
    await settle();
    const released = guard.release();
    stop.abort();
    await Promise.all([call, released]);
    await (await other({ timeoutMs: hangMs })).release();
  });

  test('a release between the refusal and the wait wakes the one who is about to wait', async () => {
    const { steps, stepped, other } = programs(backend);
    const guard = await other();
    steps.afterContended = () => void guard.release();
    await (await stepped({ timeoutMs: hangMs })).release();
  });

  test('an abort between the refusal and the wait leaves nobody waiting', async () => {
    const { steps, stepped, other } = programs(backend);
    const guard = await other();
    const stop = new AbortController();
    steps.afterContended = () => stop.abort();
    expect(await codeOf(stepped({ signal: stop.signal }))).toBe('HOLDFAST_CANCELED');
    await guard.release();
    await (await other({ timeoutMs: hangMs })).release();
  });

  test('the one at the door and the one behind leave together: the third gets in', async () => {
    const { stepped, other } = programs(backend);
    const guard = await other();
    const stops = [new AbortController(), new AbortController()];
    const leavers = stops.map(({ signal }) => codeOf(stepped({ signal })));
    const third = stepped({ timeoutMs: hangMs });
    await settle();
    for (const stop of stops) stop.abort();
    expect(await Promise.all(leavers)).toEqual(['HOLDFAST_CANCELED', 'HOLDFAST_CANCELED']);
    await guard.release();
    await (await third).release();
  });

  test('the last one first: whoever is behind leaves before the one at the door', async () => {
    const { stepped, other } = programs(backend);
    const guard = await other();
    const stops = [new AbortController(), new AbortController()];
    const leavers = stops.map(({ signal }) => codeOf(stepped({ signal })));
    const third = stepped({ timeoutMs: hangMs });
    await settle();
    for (const stop of stops.toReversed()) stop.abort();
    await Promise.all(leavers);
    await guard.release();
    await (await third).release();
  });

  test('a reader behind a writer who leaves gets in beside the readers', async () => {
    const { stepped } = programs(backend);
    const reader = await stepped({ mode: 'shared' });
    const stop = new AbortController();
    const writer = codeOf(stepped({ signal: stop.signal }));
    const second = stepped({ mode: 'shared', timeoutMs: hangMs });
    await settle();
    stop.abort();
    expect(await writer).toBe('HOLDFAST_CANCELED');
    await (await second).release();
    await reader.release();
  });
});

describe('a deadline and a grant in one tick', () => {
  function contended() {
    const clock = new InventedClock();
    const backend = new ModelBackend('queues');
    backend.setForeign('exclusive');
    const target = { namespace: new Namespace(backend, clock), resource: 'r', address: 'model:r' };
    const call = acquire(target, resolveOptions({ timeoutMs: 10 }, false));
    return { clock, backend, call };
  }

  test('a deadline that passes right after the grant takes nothing back', async () => {
    const { clock, backend, call } = contended();
    await settle();
    backend.setForeign(undefined);
    clock.advance(10);
    const guard = await call;
    guard.assertHeld();
    await guard.release();
    expect(clock.armed).toBe(0);
  });

  test('a grant that would come right after the deadline is not made', async () => {
    const { clock, backend, call } = contended();
    await settle();
    clock.advance(10);
    backend.setForeign(undefined);
    expect(await codeOf(call)).toBe('HOLDFAST_TIMEOUT');
    expect(backend.holders.size).toBe(0);
  });
});
