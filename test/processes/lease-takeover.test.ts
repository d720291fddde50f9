import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { describe, expect, test } from 'vitest';

import { together } from '../support/finish.js';
import { testDirectory } from '../support/directory.js';
import { holdfast, HOLDFAST } from '../support/holdfast.js';
import { bootNow, LEASE_MS, otherHost, SILENCE_MS, startParty, wrongClock } from '../support/lease.js';
import { isGone, start } from '../support/processes.js';
import { hangMs } from '../support/time.js';

const HOUR_MS = 3_600_000;
const CLOCKS = fileURLToPath(new URL('wrong-clock.mjs', import.meta.url));

interface Reading {
  readonly uptimeMs: number;
  readonly leaseMs: number;
  readonly nativeMs: number;
}

describe('the wrong clocks of these tests', () => {
  test.each([
    ['+3600', HOUR_MS],
    ['-3600', -HOUR_MS],
  ])('%s is wrong about the time of day, and true on the clock of leases', async (specification, wrongMs) => {
    const { wallMs, after } = await clocksUnder(specification);
    // Wrong by an hour, or true: what lies between the readings is far from both.
    expect(Math.round((wallMs - Date.now()) / HOUR_MS)).toBe(wrongMs / HOUR_MS);
    expect(Math.round((after.leaseMs - after.uptimeMs) / HOUR_MS)).toBe(0);
    expect(Math.round((after.nativeMs - after.uptimeMs) / HOUR_MS)).toBe(0);
  });

  test('x1.1 runs fast on the clock of leases too', async () => {
    const { before, after } = await clocksUnder('+0 x1.1');
    const rate = (after.leaseMs - before.leaseMs) / (after.uptimeMs - before.uptimeMs);
    expect(rate).toBeGreaterThan(1.05);
    expect(rate).toBeLessThan(1.15);
  });
});

async function clocksUnder(
  specification: string,
): Promise<{ wallMs: number; before: Reading; after: Reading }> {
  const { env } = wrongClock(specification);
  const child = start(process.execPath, [CLOCKS], { env: { ...process.env, ...env } });
  return JSON.parse((await child.line(/^\{/)).input) as { wallMs: number; before: Reading; after: Reading };
}

describe.concurrent('a live holder', () => {
  together('INV-LEASE-1 keeps everybody out while it renews, whatever their clocks say', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    await holder.held();
    const contenders = [
      {},
      wrongClock('+3600'),
      wrongClock('-3600'),
      wrongClock('+0 x1.1'),
      otherHost(directory),
    ].map((surroundings, index) => startParty(join(directory, String(index)), path, {}, surroundings));
    await Promise.all(contenders.map(({ child }) => child.line(/^ready$/)));
    await delay(SILENCE_MS + 2_000);
    expect(contenders.map(({ child }) => child.stdout())).toEqual(contenders.map(() => 'ready\n'));
    holder.order('assert');
    await holder.child.line(/^did assert/);
    holder.order('release');
    await holder.child.line(/^did release/);
    await Promise.any(contenders.map((contender) => contender.held()));
  });
});

describe.concurrent('a contender that judges by the wall clock', () => {
  together('robs a live holder once its clock is an hour fast', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const holder = startParty(directory, path);
    await holder.held();
    const judge = { judgesByWallClock: true };
    const onTime = startParty(join(directory, 'on-time'), path, judge);
    await onTime.child.line(/^ready$/);
    await delay(LEASE_MS / 2);
    expect(onTime.child.stdout()).toBe('ready\n');
    onTime.child.process.kill('SIGKILL');
    await startParty(join(directory, 'fast'), path, judge, wrongClock('+3600')).held();
    await holder.child.line(/^lost [\d.]+ taken$/);
  });
});

describe.concurrent('a killed holder', () => {
  together('makes room on its own host long before its lease ends', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const leaseMs = 2 * hangMs;
    const holder = startParty(directory, path, { leaseMs });
    const first = await holder.held();
    const contender = startParty(directory, path, { leaseMs });
    await contender.child.line(/^ready$/);
    await delay(300);
    holder.child.process.kill('SIGKILL');
    const second = await contender.held();
    expect(second.token).toBeGreaterThan(first.token);
  });

  together('makes room on another host after a lease, also for tries that never wait', async () => {
    const directory = testDirectory();
    const paths = [join(directory, 'waited'), join(directory, 'tried')] as const;
    const holders = paths.map((path) => startParty(directory, path));
    const [first] = await Promise.all(holders.map((holder) => holder.held()));
    const contender = startParty(directory, paths[0], {}, otherHost(directory));
    const tries = startTries(directory, paths[1]);
    await contender.child.line(/^ready$/);
    await tries.line(/^busy$/);
    const killedAt = bootNow();
    for (const holder of holders) holder.child.process.kill('SIGKILL');
    const second = await contender.held();
    expect(second.at - killedAt).toBeGreaterThan(LEASE_MS);
    expect(second.token).toBeGreaterThan(first!.token);
    const [, triedAt = ''] = await tries.line(/^got ([\d.]+)$/);
    expect(Number(triedAt) * 1_000 - killedAt).toBeGreaterThan(LEASE_MS);
  });

  together('makes no room while its command runs', async () => {
    const directory = testDirectory();
    const path = join(directory, 'lock');
    const env = { ...process.env, XDG_STATE_HOME: join(directory, 'state') };
    const wrapper = start(
      process.execPath,
      [HOLDFAST, 'run', '--lease', `${LEASE_MS}ms`, `lease:${path}`, 'sh', '-c', 'echo $$; exec sleep 1000'],
      { env },
    );
    const [command = ''] = await wrapper.line(/^\d+$/);
    expect((await holdfast(directory, ['run', '-n', `lease:${path}`, 'true'], { env })).code).toBe(75);
    wrapper.process.kill('SIGKILL');
    await startParty(directory, path).held();
    expect(isGone(Number(command))).toBe(true);
  });
});

/** A series like cron's on another host: each process looks once and ends. */
function startTries(directory: string, path: string) {
  const { command = [] } = otherHost(directory);
  const once = `${process.execPath} ${HOLDFAST} run -n -q --lease ${LEASE_MS}ms lease:${path} true 2>/dev/null`;
  const script = `while ! ${once}; do echo busy; sleep 0.2; done; echo got $(cut -d' ' -f1 /proc/uptime)`;
  const words = [...command, 'sh', '-c', script];
  return start(String(words[0]), words.slice(1), {
    env: { ...process.env, XDG_STATE_HOME: join(directory, 'cron') },
  });
}
