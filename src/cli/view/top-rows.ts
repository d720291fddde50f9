import type { RankedLock, SeenParty } from '../../observe/seen.js';
import { leaseClock } from '../../platform/lease-clock.js';
import { asTypedHere } from '../render/path.js';
import { elapsed } from './elapsed.js';

/** One lock as a line of `top`. */
export interface TopRow {
  readonly lock: string;
  readonly holder: string;
  readonly held: string;
  readonly waiters: string;
  readonly oldest: string;
  readonly lease: string;
  readonly token: string;
}

/** @param commandOf what a process runs, for a user who asked to see command lines. */
export function topRow(
  lock: RankedLock,
  nowMs: number,
  commandOf?: (pid: number) => string | undefined,
): TopRow {
  const { address, holders, waiters, oldestWaitMs } = lock;
  const [first] = holders;
  const oldest = waiters.reduce<SeenParty | undefined>(
    (known, party) => (known === undefined || party.sinceAtMs < known.sinceAtMs ? party : known),
    undefined,
  );
  return {
    lock: address.startsWith('/') ? asTypedHere(address) : address,
    holder: holderText(lock, commandOf),
    held: first === undefined ? '' : elapsed(nowMs - first.sinceAtMs, first.isSinceExact),
    waiters: waiters.length === 0 ? '' : String(waiters.length),
    oldest: oldest === undefined ? '' : elapsed(oldestWaitMs, oldest.isSinceExact),
    lease: leaseText(first),
    token: first?.token === undefined ? '' : String(first.token),
  };
}

function holderText(
  { holders, kind, waiters }: RankedLock,
  commandOf?: (pid: number) => string | undefined,
): string {
  const [first, ...others] = holders;
  if (first === undefined) return waiters.length > 0 ? '(not visible here)' : '(free)';
  const more = others.filter(({ note }) => note === undefined).length;
  const who = partyText(first, commandOf);
  return `${who}${more > 0 ? ` +${more}` : ''}${kind === 'other' ? ' (other program)' : ''}`;
}

/** `4711 make`; the name of a holder elsewhere has its host. */
export function partyText(party: SeenParty, commandOf?: (pid: number) => string | undefined): string {
  const { pid, program, note, host, holderId } = party;
  if (pid === undefined) return note ?? (host === undefined ? (holderId ?? '(unknown)') : `on ${host}`);
  const command = commandOf?.(pid) ?? program;
  return command === undefined ? String(pid) : `${pid} ${command}`;
}

function leaseText(party: SeenParty | undefined): string {
  if (party?.leaseDeadline === undefined) return '';
  const leftMs = party.leaseDeadline - leaseClock.now();
  return leftMs <= 0 ? 'over' : elapsed(leftMs);
}

/** What is left of the lease is less than a renewal in trouble needs. */
export function isLeaseEnding({ holders }: RankedLock): boolean {
  return holders.some(
    ({ leaseDeadline, leaseDurationMs = 0 }) =>
      leaseDeadline !== undefined && leaseDeadline - leaseClock.now() < leaseDurationMs / 3,
  );
}
