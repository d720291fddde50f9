import { fileURLToPath } from 'node:url';

import { inspect, singleton } from '../../dist/index.js';
import { start, type TestChild } from '../support/processes.js';

const driver = fileURLToPath(new URL('singleton-driver.mjs', import.meta.url));

export interface Instance extends TestChild {
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

/** Another process that is the only instance under `address`, and publishes `info`. */
export async function startInstance(address: string, info: unknown, leaseMs?: number): Promise<Instance> {
  const lease = leaseMs === undefined ? [] : [String(leaseMs)];
  const child = start(process.execPath, [driver, address, JSON.stringify(info), ...lease]);
  await child.line(/^only$/);
  const kill = async (): Promise<void> => {
    child.process.kill('SIGKILL');
    await child.exited;
  };
  return { ...child, kill };
}

export interface Killed {
  /** Instances that a later call returned although they were dead, or not the one that ran. */
  readonly stale: readonly string[];
  readonly rounds: number;
}

/**
 * One instance after the other is found by its info, and killed; the next call must be the only one. A round in which the
 * kill does not wait for the process to be gone shows what is returned while it dies.
 */
export async function killInstances(address: string, rounds: number, leaseMs?: number): Promise<Killed> {
  const stale: string[] = [];
  const options = leaseMs === undefined ? {} : { leaseDurationMs: leaseMs };
  for (let round = 0; round < rounds; round++) {
    const instance = await startInstance(address, { round }, leaseMs);
    const { running, guard: first } = await singleton(address, options);
    const found = running?.info as { round?: number } | undefined;
    if (running?.pid !== instance.pid || found?.round !== round)
      stale.push(`round ${round}: ${JSON.stringify(running)}`);
    await first?.release();
    await instance.kill();
    const after = await singleton(address, options);
    if (after.guard === undefined) stale.push(`round ${round}, killed: ${JSON.stringify(after.running)}`);
    await after.guard?.release();
    if ((await inspect(address)).isHeld) stale.push(`round ${round}: held after the release`);
  }
  return { stale, rounds };
}
