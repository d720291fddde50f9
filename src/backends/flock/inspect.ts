import type { HolderInfo, Mode } from '../../core/backend.js';
import { isSame, type HolderRecord } from '../../core/holder.js';
import {
  ancestorsOf,
  bootId,
  isProcessAlive,
  isVisibleFromHere,
  programOf,
} from '../../platform/identity.js';
import { holderInfoOf } from '../../platform/holder-record.js';
import { isProcOurs } from '../../platform/process-stat.js';
import { readLockTable, type LockTableHolder } from '../../platform/lock-table.js';
import { probeHeldMode } from './probe.js';
import { readRecord } from './record.js';

const HIDDEN = 'held, not visible here';
/** The last exclusive holder: it runs, and nothing shows whether it still has the lock. */
const RECORDED = 'named by its record, since this system shows no holders';

/**
 * The holders and waiters, by the kernel's table. The record in the file only adds to it: it explains a holder
 * that the kernel shows too, or one that cannot be seen from here because it lives in another pid namespace or
 * on another host. Where the kernel's table proves nothing, {@link probeHeldMode} decides. The file is not changed.
 */
export async function inspectFile(path: string): Promise<readonly HolderInfo[]> {
  const table = await readLockTable(path);
  const waiters = table.waiters.map(({ pid, mode }): HolderInfo => {
    if (pid === undefined) return { state: 'waiter', mode };
    return { state: 'waiter', mode, isAlive: true, ...described(pid, programOf(pid)) };
  });
  if (table.holders.length > 0) {
    const record = readRecord(path);
    const holders = withoutHeirs(table.holders).map((holder) => describeVisible(holder, record));
    return [...holders, ...waiters];
  }
  const mode = table.isHeld === false ? undefined : probeHeldMode(path);
  return mode === undefined ? waiters : [describeHidden(mode, readRecord(path)), ...waiters];
}

function describeVisible(holder: LockTableHolder, record: HolderRecord | undefined): HolderInfo {
  const { pid, mode, program, isTaker } = holder;
  if (record !== undefined && mode === 'exclusive' && isAbout(record, holder)) {
    return { state: 'holder', mode, isAlive: true, ...holderInfoOf(record) };
  }
  const note = isTaker ? undefined : 'it inherited the lock';
  return {
    state: 'holder',
    mode,
    isAlive: true,
    ...described(pid, program),
    ...(note !== undefined && { note }),
  };
}

/** A shared holder writes no record, so one that is there is of the past. */
function describeHidden(mode: Mode, record: HolderRecord | undefined): HolderInfo {
  if (mode === 'shared' || record === undefined) return { state: 'holder', mode, note: HIDDEN };
  if (isVisibleFromHere(record)) {
    // Where the kernel has a table, a holder of this namespace would stand in it: the record is of the past.
    const isLikely = !isProcOurs() && isProcessAlive(record) === true;
    if (!isLikely) return { state: 'holder', mode, note: HIDDEN };
    return { state: 'holder', mode, ...holderInfoOf(record), isAlive: true, note: RECORDED };
  }
  const isHere = isSame(record.bootId, bootId());
  return {
    state: 'holder',
    mode,
    ...holderInfoOf(record),
    note: isHere ? `${HIDDEN}; the pid is that of another pid namespace` : HIDDEN,
  };
}

function isAbout(record: HolderRecord, holder: LockTableHolder): boolean {
  if (record.pid !== holder.pid || !isVisibleFromHere(record)) return false;
  // A process started since may have been given the same pid.
  return isSame(record.startTime, holder.startTime);
}

function described(pid: number, program: string | undefined): Partial<HolderInfo> {
  return { pid, ...(program !== undefined && { program }) };
}

/**
 * Leaves out processes that merely inherited the lock from a holder that is still there, such as the command below
 * its wrapper. When the wrapper is gone, its command is the holder.
 */
function withoutHeirs(holders: readonly LockTableHolder[]): readonly LockTableHolder[] {
  return holders.filter((holder) => {
    if (holder.isTaker) return true;
    const above = new Set(ancestorsOf(holder.pid));
    return !holders.some((other) => other.mode === holder.mode && above.has(other.pid));
  });
}
