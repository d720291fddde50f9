import type { EtcdClient } from './client.js';

/** The first versions in which a leader that comes back does not revoke leases any more (etcd-io/etcd#17425, #17465). */
const FIXED_IN: Readonly<Record<string, number>> = { '3.4': 31, '3.5': 13 };
const ANSWER_MS = 3_000;

/** Whether a server of this version has the fault of etcd-io/etcd#15247. False for what is no version. */
export function revokesRenewedLeases(version: string): boolean {
  const [, major, minor, patch] = /^(\d+)\.(\d+)\.(\d+)/.exec(version) ?? [];
  if (major === undefined || minor === undefined) return false;
  const fixedIn = FIXED_IN[`${major}.${minor}`];
  if (fixedIn !== undefined) return Number(patch) < fixedIn;
  return Number(major) < 3 || (Number(major) === 3 && Number(minor) < 4);
}

/** What is known against the versions of the members that answer, in sentences. */
export async function weaknessesOf(client: EtcdClient): Promise<readonly string[]> {
  const versions = await client.versions(ANSWER_MS);
  const old = [...new Set(versions.filter(revokesRenewedLeases))].toSorted();
  if (old.length === 0) return [];
  return [
    `etcd ${old.join(', ')} has a fault: a leader that was paused may revoke leases that were renewed meanwhile, and two may hold a lock for a moment (etcd-io/etcd#15247). Use 3.4.31, 3.5.13 or newer.`,
  ];
}
