import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { afterAll, beforeAll, expect, test } from 'vitest';

import type { Guard } from '../../../src/index.js';
import { acquire } from '../../../src/locks/acquire.js';
import { serverDirectory, startServer, type ServerProcess } from '../../support/engines.js';
import { freePort, until } from '../../support/ports.js';
import { connectRedis, type TestRedis } from '../../support/redis-client.js';

const SOURCE = fileURLToPath(new URL('../../support/stepped-clock.c', import.meta.url));
const directory = serverDirectory();
/** Seconds by which the wall clock of the server is off, read again at each look. */
const step = join(directory.path, 'step');
let server: ServerProcess;
let redis: TestRedis;
let url: string;

beforeAll(async () => {
  writeFileSync(step, '0');
  const shim = join(directory.path, 'stepped-clock.so');
  execFileSync('cc', ['-shared', '-fPIC', '-O1', '-D_GNU_SOURCE', '-o', shim, SOURCE], { stdio: 'pipe' });
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', directory.path];
  server = await startServer(
    'env',
    [`LD_PRELOAD=${shim}`, `STEPPED_CLOCK=${step}`, 'redis-server', ...args],
    port,
  );
  url = `redis://127.0.0.1:${port}/0`;
  redis = await connectRedis(url);
});
afterAll(async () => {
  redis.destroy();
  await server.kill();
  directory.remove();
});

async function stepClock(by: string): Promise<void> {
  const before = await serverSeconds();
  writeFileSync(step, by);
  await until('the clock of the server has stepped', async () => {
    return Math.abs((await serverSeconds()) - before) > 1_000;
  });
}

async function serverSeconds(): Promise<number> {
  const [seconds] = (await redis.sendCommand(['TIME'])) as [string];
  return Number(seconds);
}

const isLost = (guard: Guard): Promise<unknown> =>
  new Promise((resolve) => guard.lost.addEventListener('abort', () => resolve(guard.lost.reason)));

test('a clock that steps forward past a lease ends it; the holder is told, and tokens go on rising', async () => {
  const guard = await acquire(`${url}#forward`, { leaseDurationMs: 600_000 });
  const lost = isLost(guard);
  await stepClock('3600');
  expect(await lost).toMatchObject({ code: 'HOLDFAST_LOST' });
  const next = await acquire(`${url}?db=0#forward`);
  expect(next.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
  await next.release();
  await guard.release();
});

test('INV-REDIS-2: a clock that steps back ends no hold, and sets no token back', async () => {
  const guard = await acquire(`${url}#back`, { leaseDurationMs: 600_000 });
  await stepClock('-3600');
  guard.assertHeld();
  await guard.release();
  const next = await acquire(`${url}#back`);
  expect(next.fencingToken).toBeGreaterThan(guard.fencingToken as bigint);
  await next.release();
});
