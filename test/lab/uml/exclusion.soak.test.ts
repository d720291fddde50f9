import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { overlapsOf } from '../../../src/testing/intervals.js';
import { Lab, type Machine } from './machine.js';
import {
  mountNfs,
  mountSmb,
  MOUNTED,
  restartNfs,
  restartSmb,
  serveNfs,
  serveSmb,
  unmount,
} from './shares.js';
import { startRace } from './timeline.js';

const lab = new Lab();
let server: Machine;
let one: Machine;
let two: Machine;

beforeAll(async () => {
  [server, one, two] = (await lab.boot(['server', 'one', 'two'])) as [Machine, Machine, Machine];
  await serveNfs(server);
  await serveSmb(server);
  // An hour apart: no clock decides anything.
  await two.run("date -s '+1 hour'");
});

afterAll(() => lab.remove());

interface Share {
  readonly name: string;
  /** Not on SMB, where `verify` refuses it by name. */
  readonly hasFlock: boolean;
  mount(client: Machine): Promise<void>;
  restart(): Promise<void>;
}

const SHARES: readonly Share[] = [
  {
    name: 'NFS 4.2',
    hasFlock: true,
    mount: (client) => mountNfs(client, server, 'vers=4.2,proto=tcp,hard'),
    restart: () => restartNfs(server, 1),
  },
  {
    name: 'NFS 3 with statd',
    hasFlock: true,
    mount: (client) => mountNfs(client, server, 'vers=3,proto=tcp,hard'),
    restart: () => restartNfs(server, 1),
  },
  {
    name: 'SMB 3.1.1',
    hasFlock: false,
    mount: (client) => mountSmb(client, server, 'vers=3.1.1'),
    restart: () => restartSmb(server, 1),
  },
];

describe.each(SHARES)('on $name, between two kernels whose clocks are an hour apart', (share) => {
  beforeAll(async () => {
    await Promise.all([one, two].map((client) => share.mount(client)));
  });

  afterAll(async () => {
    await Promise.all([one, two].map((client) => unmount(client)));
  });

  it('holds of a lease never overlap, though a client is cut off past its lease and the server restarts', async () => {
    const order = { forMs: 40_000, holdMs: 60, leaseMs: 3_000 };
    const race = await startRace([one, two], 2, `lease:${MOUNTED}/raced`, order);
    await delay(5_000);
    one.disconnect();
    await delay(8_000);
    const whileApart = race.count();
    one.connect();
    await delay(4_000);
    await share.restart();
    const { holds, failures, errorMs } = await race.result;
    tell(share.name, 'lease', holds.length, failures, errorMs);
    expect(overlapsOf(holds)).toEqual([]);
    expect(errorMs).toBeLessThan(25);
    const names = new Set(holds.map(({ holder }) => holder.slice(0, 3)));
    expect(names).toEqual(new Set(['one', 'two']));
    expect(holds.length).toBeGreaterThan(whileApart);
    const tokens = holds.toSorted((a, b) => a.from - b.from).map(({ token }) => BigInt(token ?? 0));
    expect(tokens).toEqual(tokens.toSorted((a, b) => Number(a - b)));
  });

  if (!share.hasFlock) return;
  it('holds of flock never overlap, though a client is cut off for a moment', async () => {
    const order = { forMs: 12_000, holdMs: 60 };
    const race = await startRace([one, two], 2, `flock:${MOUNTED}/raced.lock`, order);
    await delay(3_000);
    one.disconnect();
    await delay(2_000);
    one.connect();
    const { holds, failures, errorMs } = await race.result;
    tell(share.name, 'flock', holds.length, failures, errorMs);
    expect(overlapsOf(holds)).toEqual([]);
    const names = new Set(holds.map(({ holder }) => holder.slice(0, 3)));
    expect(names).toEqual(new Set(['one', 'two']));
  });
});

function tell(
  share: string,
  backend: string,
  holds: number,
  failures: readonly string[],
  errorMs: number,
): void {
  const why = [...new Set(failures)].slice(0, 5).join(' | ');
  process.stdout.write(
    `${share} ${backend}: ${holds} holds, clocks known to ${errorMs.toFixed(1)} ms, ${failures.length} failures ${why}\n`,
  );
}
