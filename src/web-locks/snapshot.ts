import type { HolderInfo } from '../core/backend.js';
import type { Seen } from './place.js';
import type { LockMode } from './request.js';

/** One lock that is held or waited for, as `LockManager.query` reports it. */
export interface LockInfo {
  /** As it was requested. */
  readonly name: string;
  /** As it was requested. */
  readonly mode: LockMode;
  /** Whose it is. Of another process its id on that host, if no more is known. */
  readonly clientId: string;
}

/** What `LockManager.query` resolves with. */
export interface LockManagerSnapshot {
  /** Locks that are held. */
  readonly held: LockInfo[];
  /** Requests that wait. */
  readonly pending: LockInfo[];
}

/** @param own of this manager; what others have is added from what is seen at the place. */
export function snapshotOf(seen: readonly Seen[], own: LockManagerSnapshot): LockManagerSnapshot {
  const held = [...own.held];
  const pending = [...own.pending];
  for (const { name, inspection } of seen) {
    held.push(...foreign(name, inspection.holders, own.held));
    pending.push(...foreign(name, inspection.waiters, own.pending));
  }
  return { held, pending };
}

/** Those of `found` that are not among `own`, which the place knows by this process alone. */
function foreign(
  name: string | undefined,
  found: readonly HolderInfo[],
  own: readonly LockInfo[],
): readonly LockInfo[] {
  const known = found.map((holder) => infoOf(name, holder)).filter((info) => info !== undefined);
  const clients = new Set(own.map(({ clientId }) => clientId));
  const others = known.filter(({ clientId }) => !clients.has(clientId));
  // The rest of this process's: what its own table has more of than was named.
  let ours = own.filter((info) => info.name === name).length - (known.length - others.length);
  return others.filter(({ clientId }) => clientId !== String(process.pid) || --ours < 0);
}

function infoOf(
  name: string | undefined,
  { mode, pid, host, info, holderId }: HolderInfo,
): LockInfo | undefined {
  const published = Object(info) as { readonly name?: unknown; readonly clientId?: unknown };
  const given = typeof published.name === 'string' ? published.name : undefined;
  const shown = name ?? given;
  if (shown === undefined) return undefined;
  if (given === shown && typeof published.clientId === 'string')
    return { name: shown, mode, clientId: published.clientId };
  const place = host === undefined ? '' : `${host}/`;
  return { name: shown, mode, clientId: pid === undefined ? (holderId ?? 'unknown') : `${place}${pid}` };
}
