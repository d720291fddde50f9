import { isSame, type HolderRecord } from '../core/holder.js';
import { readRecord } from '../backends/flock/record.js';
import type { HeldFile, HeldFiles } from '../platform/held-files.js';
import { isVisibleFromHere } from '../platform/identity.js';
import type { ShownSince } from './shown-since.js';
import type { SeenLock, SeenParty } from './seen.js';

/** A flock as the kernel shows it; what its file says besides is read for those that are shown. */
export interface SeenFlock extends SeenLock {
  readonly key: string;
  readonly isDescribed: boolean;
}

export function flockOf(file: HeldFile, shownSince: ShownSince): SeenFlock {
  const { key, path, holders, waiters } = file;
  const since = (role: string, pid: number | undefined): { sinceAtMs: number; isSinceExact: boolean } => ({
    sinceAtMs: shownSince.of(`${key} ${role} ${pid}`),
    isSinceExact: false,
  });
  return {
    key,
    address: path ?? `file ${key}`,
    backend: 'flock',
    kind: 'other',
    isDescribed: false,
    holders: holders.map(({ pid, mode, startTime, isTaker }) => ({
      pid,
      mode,
      ...(startTime !== undefined && { startTime }),
      ...since('holds', pid),
      ...(!isTaker && { note: INHERITED }),
    })),
    waiters: waiters.map(({ pid, mode }) => ({
      mode,
      ...(pid !== undefined && { pid }),
      ...since('waits', pid),
    })),
  };
}

const INHERITED = 'it inherited the lock';
const OURS = /\/\.holdfast(?:-\d+)?\/locks\/[^/]+$/;

/** With the programs' names and what the record in the file says of a holder that the kernel shows too. */
export function described(lock: SeenFlock, files: HeldFiles): SeenFlock {
  const record = readRecord(lock.address);
  const named = (party: SeenParty): SeenParty => {
    const program = party.pid === undefined ? undefined : files.programOf(party.pid, party.startTime);
    return { ...party, ...(program !== undefined && { program }) };
  };
  const holders = lock.holders.map((party) =>
    record !== undefined && isAbout(record, party) ? { ...named(party), ...recorded(record) } : named(party),
  );
  const waiters = lock.waiters.map(named);
  const isOurs =
    holders.some(
      ({ holderId, mode }) => holderId !== undefined || (mode === 'shared' && record !== undefined),
    ) ||
    OURS.test(lock.address) ||
    // Holders decide whose it is: a program of ours may wait for one that flock(1) has.
    (holders.length > 0 ? holders : waiters).some(({ program }) => program === 'holdfast');
  // Those who inherited it from one that is still there come last.
  const takers = holders.filter(({ note }) => note === undefined);
  return {
    ...lock,
    isDescribed: true,
    kind: isOurs ? 'holdfast' : 'other',
    holders: [...takers, ...holders.filter(({ note }) => note !== undefined)],
    waiters,
  };
}

function isAbout(record: HolderRecord, { pid, mode, startTime }: SeenParty): boolean {
  if (mode !== 'exclusive' || record.pid !== pid || !isVisibleFromHere(record)) return false;
  return isSame(record.startTime, startTime);
}

function recorded({ program, holderId, reason, sinceAt }: HolderRecord): Partial<SeenParty> {
  return {
    ...(program !== undefined && { program }),
    ...(holderId !== undefined && { holderId }),
    ...(reason !== undefined && { reason }),
    ...(sinceAt !== undefined && { sinceAtMs: Date.parse(sinceAt), isSinceExact: true }),
  };
}

/**
 * Permits of one name as one lock: PATH, PATH.2 and so on are its places, and PATH.queue is its queue; see
 * `backends/flock/permits`. A file of another program that looks so stays what it is.
 */
export function withoutPermits(locks: readonly SeenFlock[]): readonly SeenFlock[] {
  const parts = locks.filter(({ address }) => PERMIT.test(address) && readRecord(address) !== undefined);
  if (parts.length === 0) return locks;
  const merged = new Map(locks.map((lock) => [lock.address, lock]));
  for (const part of parts) {
    const [, path = '', place] = PERMIT.exec(part.address) ?? [];
    const main = merged.get(path) ?? { ...part, address: path, holders: [], waiters: [] };
    merged.delete(part.address);
    const isQueue = place === 'queue';
    // Those who wait for a place wait for each, and stand in the queue already.
    const waiters = isQueue ? [...part.holders, ...part.waiters] : [];
    const own = isQueue ? [] : part.holders;
    merged.set(path, {
      ...main,
      holders: [...main.holders, ...own],
      waiters: isQueue ? waiters : main.waiters,
    });
  }
  return [...merged.values()];
}

const PERMIT = /^(.+)\.(queue|[2-9]|[1-9]\d{1,2})$/s;
