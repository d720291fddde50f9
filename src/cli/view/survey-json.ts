import type { HolderInfo } from '../../core/backend.js';
import type { Inspection } from '../../locks/inspect.js';
import type { RankedLock, SeenParty, Survey } from '../../observe/seen.js';
import { leaseClock } from '../../platform/lease-clock.js';

/** A lock of the machine as `ls` shows locks. `kind` says whose it is. */
export function toInspection(lock: RankedLock): Inspection & { readonly kind: RankedLock['kind'] } {
  const { address, backend, kind, holders, waiters } = lock;
  return {
    address,
    backend,
    kind,
    isHeld: holders.length > 0,
    holders: holders.map((party) => holderInfo(party, 'holder')),
    waiters: waiters.map((party) => holderInfo(party, 'waiter')),
  };
}

function holderInfo(party: SeenParty, state: HolderInfo['state']): HolderInfo {
  const { mode, pid, host, program, holderId, reason, sinceAtMs, isSinceExact, token, note } = party;
  return {
    state,
    mode,
    ...(pid !== undefined && { pid }),
    ...(host !== undefined && { host }),
    ...(program !== undefined && { program }),
    ...(holderId !== undefined && { holderId }),
    ...(reason !== undefined && { reason }),
    ...(isSinceExact && { sinceAt: new Date(sinceAtMs).toISOString() }),
    ...(token !== undefined && { fencingToken: token }),
    ...(note !== undefined && { note }),
  };
}

/** What `top --once --json` prints, and what a page of the moment shows. */
export interface SurveyJson {
  readonly at: string;
  readonly totals: Totals;
  readonly locks: readonly LockJson[];
  readonly deadlocks: Survey['deadlocks'];
  readonly problems: readonly string[];
}

export interface Totals {
  readonly locks: number;
  readonly holders: number;
  readonly waiters: number;
  /** Seconds that were waited in the last minute, of all waiters together. */
  readonly waitedLastMinuteMs: number;
}

export interface LockJson extends Omit<RankedLock, 'holders' | 'waiters'> {
  readonly holders: readonly PartyJson[];
  readonly waiters: readonly PartyJson[];
}

export interface PartyJson extends Omit<
  SeenParty,
  'sinceAtMs' | 'isSinceExact' | 'leaseDeadline' | 'startTime'
> {
  readonly sinceAt?: string;
  readonly heldMs?: number;
  readonly waitedMs?: number;
  readonly leaseLeftMs?: number;
}

export function surveyJson(survey: Survey, locks: readonly RankedLock[], totals: Totals): SurveyJson {
  const { atMs, deadlocks, problems } = survey;
  const leaseNow = leaseClock.now();
  const holder = (party: SeenParty): PartyJson => {
    const { leaseDeadline } = party;
    const left = leaseDeadline === undefined ? {} : { leaseLeftMs: Math.round(leaseDeadline - leaseNow) };
    return { ...partyJson(party), heldMs: Math.max(0, atMs - party.sinceAtMs), ...left };
  };
  const waiter = (party: SeenParty): PartyJson => ({
    ...partyJson(party),
    waitedMs: Math.max(0, atMs - party.sinceAtMs),
  });
  return {
    at: new Date(atMs).toISOString(),
    totals,
    locks: locks.map(({ address, backend, kind, holders, waiters, blockedMs, oldestWaitMs, isInCycle }) => ({
      address,
      backend,
      kind,
      blockedMs: Math.round(blockedMs),
      oldestWaitMs: Math.round(oldestWaitMs),
      isInCycle,
      holders: holders.map(holder),
      waiters: waiters.map(waiter),
    })),
    deadlocks,
    problems,
  };
}

function partyJson(party: SeenParty): PartyJson {
  const { sinceAtMs, isSinceExact, leaseDeadline: _, startTime: __, ...rest } = party;
  return { ...rest, ...(isSinceExact && { sinceAt: new Date(sinceAtMs).toISOString() }) };
}

/** Of one moment: of those who waited and are done nothing is known. */
export function totalsOf({ locks, atMs }: Survey): Totals {
  let holders = 0;
  let waiters = 0;
  let waitedMs = 0;
  for (const lock of locks) {
    holders += lock.holders.length;
    waiters += lock.waiters.length;
    for (const { sinceAtMs } of lock.waiters) waitedMs += Math.min(60_000, Math.max(0, atMs - sinceAtMs));
  }
  return { locks: locks.length, holders, waiters, waitedLastMinuteMs: Math.round(waitedMs) };
}
