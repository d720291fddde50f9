import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { expect, test } from 'vitest';

import { LEASE_MS, run, type Troubles } from '../../processes/nemesis/run.js';
import { startEtcd, startPostgres, startRedis } from '../../support/engines.js';
import { startOtherHost, type OtherHost, type Weather } from './network.js';

const minutes = Number(process.env['HOLDFAST_NEMESIS_MINUTES'] ?? 2);
const LIMIT = { timeout: (minutes + 3) * 60_000 };
const isInside = process.env['HOLDFAST_TEST_ADDRESS'] !== undefined;

function troublesOf(host: OtherHost): Troubles {
  const during = (weather: Weather, longestMs: number) => async (): Promise<void> => {
    await host.setWeather(weather);
    await delay(Math.random() * longestMs);
    await host.setWeather({});
  };
  return {
    'both ways are cut': during({ requestLoss: 1, answerLoss: 1 }, 3 * LEASE_MS),
    'requests are cut': during({ requestLoss: 1 }, 2 * LEASE_MS),
    'answers are cut': during({ answerLoss: 1 }, 2 * LEASE_MS),
    'a fifth is lost, the rest is 50 ms late': during(
      { requestLoss: 0.2, answerLoss: 0.2, delayMs: 50 },
      3 * LEASE_MS,
    ),
    'all is 300 ms late': during({ delayMs: 300 }, 2 * LEASE_MS),
  };
}

/** Half of the workers are behind a network that is cut, both ways or one, loses and delays. */
function inside(): void {
  test.each([
    ['redis', () => startRedis('--appendonly', 'yes', '--appendfsync', 'always')],
    ['postgres', () => startPostgres()],
    ['etcd', () => startEtcd()],
  ] as const)('%s', LIMIT, async (name, start) => {
    const host = await startOtherHost();
    await using server = await start();
    const verdict = await run({
      ...{ name: `${name} over a bad network`, url: server.url, minutes },
      troubles: troublesOf(host),
      elsewhere: host,
    });
    expect(verdict).toMatchObject({ overlaps: [], tokenReversals: 0, olderAccepted: 0, unhandled: [] });
    // What comes from behind the network is served, too.
    expect(verdict.holds).toBeGreaterThan(100 * minutes);
  });
}

/** Interfaces and addresses are those of a namespace of its own: this file runs once more in there. */
function outside(): void {
  test('engines behind a bad network', { timeout: 4 * LIMIT.timeout }, async () => {
    const self = fileURLToPath(import.meta.url);
    const again = `ip link set lo up && exec '${process.execPath}' node_modules/vitest/vitest.mjs run '${self}'`;
    const env = { ...process.env, HOLDFAST_SOAK: '1', HOLDFAST_TEST_ADDRESS: '10.77.0.1' };
    const child = spawn('unshare', ['--net', 'sh', '-c', again], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      process.stderr.write(chunk);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    const code = await new Promise((resolve) => child.once('close', resolve));
    expect(code, output).toBe(0);
  });
}

if (isInside) inside();
else outside();
