import { randomUUID } from 'node:crypto';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { leaseClock } from '../../src/platform/lease-clock.js';
import { start, type TestChild } from './processes.js';
import { machineUnit } from './time.js';

const PARTY = fileURLToPath(new URL('../processes/lease-party.mjs', import.meta.url));

/** Short enough for tests, and long enough that its holder lives on this machine; the silence before a takeover follows. */
export const LEASE_MS = 4_000 * Math.max(1, machineUnit / 2);
export const SILENCE_MS = 1.25 * LEASE_MS + 1_000;

export interface Party {
  readonly child: TestChild;
  /** Resolves when it holds. */
  held(): Promise<{ token: bigint; at: number; holderId: string }>;
  order(text: string): void;
}

export interface PartyOrder {
  readonly leaseMs?: number;
  readonly timeoutMs?: number;
  readonly blockMs?: number;
  readonly maxStallMs?: number;
  readonly isBrief?: boolean;
  readonly judgesByWallClock?: boolean;
}

/** What goes before `node` on the command line, and its environment. */
export interface Surroundings {
  readonly command?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

/** A process that takes the lease at `path`; its sightings are kept in `directory`. */
export function startParty(
  directory: string,
  path: string,
  order: PartyOrder = {},
  { command = [], env = {} }: Surroundings = {},
): Party {
  const words = [...command, process.execPath, PARTY, path, JSON.stringify({ leaseMs: LEASE_MS, ...order })];
  const child = start(String(words[0]), words.slice(1), {
    env: { ...process.env, XDG_STATE_HOME: join(directory, 'state'), ...env },
  });
  return {
    child,
    held: async () => {
      const [, token = '', at = '', holderId = ''] = await child.line(/^held (\d+) ([\d.]+) (\S+)$/);
      return { token: BigInt(token), at: Number(at), holderId };
    },
    order: (text) => void child.process.stdin?.write(`${text}\n`),
  };
}

/** Another host as far as anybody can tell: its own name, processes and boot id, on the same files. */
export function otherHost(directory: string): Surroundings {
  const bootId = join(directory, `boot-id-${randomUUID()}`);
  writeFileSync(bootId, `${randomUUID()}\n`);
  const script = `hostname other && mount --bind ${bootId} /proc/sys/kernel/random/boot_id && exec "$@"`;
  return {
    command: [
      'unshare',
      '--uts',
      '--pid',
      '--fork',
      '--kill-child',
      '--mount-proc',
      'sh',
      '-c',
      script,
      'sh',
    ],
  };
}

/** Another container of this host: own processes, same boot. */
export function otherContainer(): Surroundings {
  return { command: ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'] };
}

/**
 * A clock that is wrong: `+3600`, `-3600` (seconds, wall clock only: CLOCK_MONOTONIC and CLOCK_BOOTTIME stay true) or
 * `+0 x1.1` (every clock runs fast, timers too).
 */
export function wrongClock(specification: string): Surroundings {
  const isRate = specification.includes('x');
  return {
    env: {
      LD_PRELOAD: '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
      FAKETIME: specification,
      ...(!isRate && { FAKETIME_DONT_FAKE_MONOTONIC: '1' }),
    },
  };
}

/** The state files in a lease directory. */
export function statesIn(path: string): string[] {
  return readdirSync(path).filter((name) => name.startsWith('s.'));
}

export const bootNow = (): number => leaseClock.now();
