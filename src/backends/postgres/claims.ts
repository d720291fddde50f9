import type { HolderInfo, Mode } from '../../core/backend.js';
import type { LossReason } from '../../core/lease.js';

/** A hold or a wait of this process, as it is described to others. It decides nothing. */
export interface ClaimInfo {
  readonly resource: string;
  /** The advisory lock. */
  readonly key: string;
  /** The server's process whose lock it is; 0 for a wait that has no session of its own. */
  readonly backendPid: number;
  readonly state: HolderInfo['state'];
  readonly mode: Mode;
  readonly holderId: string;
  /** As in every engine: the process, since when, and why. */
  readonly note: string;
  /** Decimal. */
  readonly token?: string | undefined;
}

/** One of ours, with the way to end it. Its note is written when another process asks for it. */
export interface OwnClaim extends Omit<ClaimInfo, 'note'> {
  readonly note: () => string;
  readonly lose?: (reason: LossReason) => void;
}

/** Decodes what another process wrote; undefined for anything else. */
export function decodeClaim(value: unknown): ClaimInfo | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const claim = value as Record<string, unknown>;
  const { resource, key, backendPid, state, mode, holderId, note, token } = claim;
  if (typeof resource !== 'string' || typeof key !== 'string' || typeof backendPid !== 'number')
    return undefined;
  if (state !== 'holder' && state !== 'waiter') return undefined;
  if (mode !== 'exclusive' && mode !== 'shared') return undefined;
  if (typeof holderId !== 'string' || !/^[a-z2-7]{26}$/.test(holderId)) return undefined;
  if (typeof note !== 'string') return undefined;
  return {
    resource,
    key,
    backendPid,
    state,
    mode,
    holderId,
    note,
    ...(typeof token === 'string' && /^\d{1,19}$/.test(token) && { token }),
  };
}
