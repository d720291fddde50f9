import { formatDuration } from '../../core/duration.js';
import type { HolderInfo } from '../../core/backend.js';
import type { LeaseClock } from '../../core/lease.js';
import { errnoOf } from '../../core/system-error.js';
import { holderInfoOf } from '../../platform/holder-record.js';
import { decodeLeaseRecord, isHoldAlive } from '../register/record.js';
import type { Sightings } from '../register/sightings.js';
import { silenceMs } from '../register/config.js';
import { openDirectory } from './directory.js';
import { callFailed, notADirectory, notALease, recordLost, unreadableState } from './errors.js';
import { readListing } from './listing.js';
import { recordName, type LeaseState } from './names.js';

/** The holder, and for how long this host has seen no sign of life. Nothing in the directory is touched. */
export async function inspectLease(
  path: string,
  sightings: Sightings,
  clock: LeaseClock,
): Promise<readonly HolderInfo[]> {
  const directory = openDirectory(path);
  const names = await namesIn(path, () => directory.list());
  if (names === undefined) return [];
  const listing = readListing(names);
  if (listing.kind === 'unreadable') throw unreadableState(path, listing.name);
  if (listing.kind === 'absent') throw listing.hasRecords ? recordLost(path) : notALease(path);
  const { state, name } = listing;
  if (state.kind === 'free') return [];
  const now = clock.now();
  const since = await sightings.since(path, name, now);
  const common = { state: 'holder', mode: 'exclusive', note: noteOn(state, now - since) } as const;
  if (state.kind === 'revoked') return [common];
  const { holderId } = state;
  const read = await directory.readRecord(recordName(holderId));
  const record = decodeLeaseRecord(read?.text);
  const fencingToken = BigInt(state.generation);
  const unchangedMs = Math.max(0, now - since);
  if (record === undefined) return [{ ...common, holderId, fencingToken, unchangedMs }];
  const isAlive = isHoldAlive(record);
  return [
    {
      ...common,
      ...holderInfoOf(record.holder),
      holderId,
      fencingToken,
      unchangedMs,
      ...(isAlive !== undefined && { isAlive }),
      ...(isAlive === false &&
        read?.isTrusted === true && {
          note: `lease of ${formatDuration(state.leaseMs)}; free at once for others on this host`,
        }),
    },
  ];
}

/** Age is what was observed from here; what the record says of the time is the word of another clock. */
function noteOn(state: Exclude<LeaseState, { kind: 'free' }>, seenMs: number): string {
  const restMs = Math.max(0, silenceMs(state.leaseMs) - seenMs);
  const rest = `can be taken over after ${formatDuration(restMs)} more of silence`;
  if (state.kind === 'revoked') return `broken by force; ${rest}`;
  return `lease of ${formatDuration(state.leaseMs)}, seen unchanged for ${formatDuration(seenMs)}; ${rest}`;
}

/** Undefined when there is nothing at `path`. */
async function namesIn(
  path: string,
  list: () => Promise<readonly string[]> | readonly string[],
): Promise<readonly string[] | undefined> {
  try {
    return await list();
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw errnoOf(error) === 'ENOTDIR' ? notADirectory(path) : callFailed('inspect', path, error);
  }
}
