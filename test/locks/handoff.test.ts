import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, test } from 'vitest';

import { FlockBackend, NAMED_FILE } from '../../src/backends/flock/index.js';
import { acquire } from '../../src/core/acquisition.js';
import type { Guard } from '../../src/core/guard.js';
import { Namespace } from '../../src/core/namespace.js';
import { resolveOptions, type LockOptions } from '../../src/core/options.js';
import { inheritableDescriptor } from '../../src/locks/lock.js';
import { systemClock } from '../../src/platform/clock.js';
import { run, temporaryDirectory } from '../processes/observe.js';
import { start } from '../support/processes.js';

/** Time stands still, so that each hold is short. */
const clock = { ...systemClock, now: () => 0 };

class Scene {
  readonly path = join(temporaryDirectory(), 'a.lock');
  readonly backend = new FlockBackend(NAMED_FILE, clock);
  passed = 0;
  refused = 0;
  readonly #namespace = new Namespace(this.backend, clock);

  constructor() {
    const passOn = this.backend.passOn.bind(this.backend);
    this.backend.passOn = (grant, request) => {
      const next = passOn(grant, request);
      if (next === undefined) this.refused++;
      else this.passed++;
      return next;
    };
  }

  acquire(options: LockOptions = {}): Promise<Guard> {
    const target = { namespace: this.#namespace, resource: this.path, address: this.path };
    return acquire(target, resolveOptions(options, false));
  }

  get recordedId(): string | undefined {
    return /"holderId":"(\w+)"/.exec(readFileSync(this.path, 'utf8'))?.[1];
  }

  /** The exit code of a try in another process. */
  async tryElsewhere(): Promise<number | null> {
    return (await start('flock', ['--nonblock', this.path, 'true']).exited).code;
  }
}

describe('a hold that is passed on inside the process', () => {
  test('INV-HANDOFF-3: has its own id, record and end, and no other process gets in between', async () => {
    const scene = new Scene();
    const first = await scene.acquire({ reason: 'the first' });
    const waiting = scene.acquire();
    expect(scene.recordedId).toBe(first.holderId);
    await first.release();
    expect(scene.passed).toBe(1);
    expect(await scene.tryElsewhere()).toBe(1);
    const second = await waiting;
    expect(second.holderId).not.toBe(first.holderId);
    expect(scene.recordedId).toBe(second.holderId);
    expect(readFileSync(scene.path, 'utf8')).not.toContain('the first');
    await first.release();
    expect(() => first.assertHeld()).toThrow(/was released/);
    second.assertHeld();
    expect(await scene.tryElsewhere()).toBe(1);
    await second.release();
    expect(await scene.tryElsewhere()).toBe(0);
  });

  test('is canceled without a trace in the turn in which it is passed on', async () => {
    const scene = new Scene();
    const stop = new AbortController();
    const first = await scene.acquire();
    const canceled = scene.acquire({ signal: stop.signal });
    const third = scene.acquire();
    const released = first.release();
    stop.abort();
    await released;
    await expect(canceled).rejects.toMatchObject({ code: 'HOLDFAST_CANCELED' });
    await (await third).release();
    expect(scene.passed).toBe(2);
    expect(await scene.tryElsewhere()).toBe(0);
  });

  test('notices by itself that its file was replaced', async () => {
    const scene = new Scene();
    const first = await scene.acquire();
    const waiting = scene.acquire();
    await first.release();
    const second = await waiting;
    second.assertHeld();
    renameSync(scene.path, `${scene.path}.old`);
    expect(() => second.assertHeld()).toThrow(/removed or replaced/);
    expect(second.lost.aborted).toBe(true);
    expect(first.lost.aborted).toBe(false);
  });
});

describe('INV-HANDOFF-2: a hold is not passed on', () => {
  test('when its file was replaced: the next one locks the new file', async () => {
    const scene = new Scene();
    const first = await scene.acquire();
    const waiting = scene.acquire();
    renameSync(scene.path, `${scene.path}.old`);
    writeFileSync(scene.path, '');
    await first.release();
    const second = await waiting;
    expect([scene.passed, scene.refused]).toEqual([0, 1]);
    second.assertHeld();
    expect(await scene.tryElsewhere()).toBe(1);
    await second.release();
  });

  test('when its file is not ours any more: not a byte of it changes', async () => {
    const scene = new Scene();
    // The second time the file is opened for writing.
    await (await scene.acquire()).release();
    const first = await scene.acquire();
    const waiting = scene.acquire();
    writeFileSync(scene.path, 'mine now\n');
    await first.release();
    await (await waiting).release();
    expect([scene.passed, scene.refused]).toEqual([0, 1]);
    expect(readFileSync(scene.path, 'utf8')).toBe('mine now\n');
  });

  test('when a child process may have inherited it', async () => {
    const scene = new Scene();
    const first = await scene.acquire();
    const waiting = scene.acquire();
    expect(inheritableDescriptor(first)).toBeGreaterThan(2);
    await first.release();
    await (await waiting).release();
    expect([scene.passed, scene.refused]).toEqual([0, 1]);
  });

  test.each<[string, LockOptions, LockOptions]>([
    ['when it is shared', { mode: 'shared' }, {}],
    ['to a reader', {}, { mode: 'shared' }],
    ['when it has a token', { fencing: true }, {}],
    ['to one that wants a token', {}, { fencing: true }],
    ['to one that works for a child process', {}, { coversChild: true }],
    ['as a permit', { permits: 1 }, { permits: 1 }],
  ])('%s', async (_, ofFirst, ofSecond) => {
    const scene = new Scene();
    const first = await scene.acquire(ofFirst);
    const waiting = scene.acquire(ofSecond);
    await first.release();
    await (await waiting).release();
    expect(scene.passed).toBe(0);
  });
});

test('a process that is killed while its callers pass a lock on leaves it free', async () => {
  const path = join(temporaryDirectory(), 'a.lock');
  const callers = `
    import { withLock } from ${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)};
    const again = async () => { for (;;) await withLock(${JSON.stringify(path)}, { timeoutMs: Infinity }, () => undefined); };
    for (let n = 0; n < 100; n++) void again();
    setTimeout(() => console.log('running'), 50);`;
  for (let round = 0; round < 5; round++) {
    const other = run(process.execPath, ['--input-type=module', '-e', callers]);
    await other.line();
    process.kill(other.pid, 'SIGKILL');
    const scene = await start('flock', ['--wait', '10', path, 'true']).exited;
    expect(scene.code).toBe(0);
  }
});
