import type { HolderInfo } from '../../core/backend.js';
import { formatDuration } from '../../core/duration.js';
import { holderInfoOf } from '../../platform/holder-record.js';
import type { LeaseState } from './body.js';
import { isHoldAlive } from './record.js';
import type { Reading } from './register.js';
import { silenceMs } from './config.js';

/** The holder. @param seenMs how long this host has seen this very value. */
export function holdersIn(reading: Reading, seenMs: number): readonly HolderInfo[] {
  if (reading.kind !== 'value' || reading.body.state.kind === 'free') return [];
  const { state, generation } = reading.body;
  const common = { state: 'holder', mode: 'exclusive', note: noteOn(state, seenMs) } as const;
  if (state.kind === 'revoked') return [common];
  const { holderId, record } = state;
  const known = { ...common, holderId, fencingToken: generation, unchangedMs: Math.max(0, seenMs) };
  if (record === undefined) return [known];
  const isAlive = isHoldAlive(record);
  return [
    {
      ...known,
      ...holderInfoOf(record.holder),
      holderId,
      ...(isAlive !== undefined && { isAlive }),
      ...(isAlive === false && {
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
