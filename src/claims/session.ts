import { NUMBER, OBJECT, SIGNAL, TEXT, type OptionRule } from '../core/check-options.js';
import type { Clock } from '../core/time.js';
import { LockError, LockCanceledError } from '../core/errors.js';
import {
  Arbiter,
  assertClaimId,
  DEFAULT_NETWORK_TIMEOUT_MS,
  DEFAULT_STALE_AFTER_MS,
  deadlineIn,
  idOf,
  isHeldEvent,
  publish,
  refOfClaim,
  type Change,
  type IndexChange,
  type ClaimEvent,
  type ClaimRecord,
  type ClaimStore,
  type Outcome,
  type RecordedTip,
  type SignatureState,
  type SigningOptions,
  type Tip,
} from '../backends/git/index.js';
import { gitHost } from '../locks/git-host.js';
import { fileNamespace } from '../locks/resolve.js';
import { Seen } from './seen.js';
import { clocksOf, DEFAULT_QUIET_AFTER_MS, type ClaimClock, type ProgressClock } from './progress.js';

/** What every function about claims understands. */
export interface ClaimsOptions {
  /** A directory of the clone. Default: the current one. */
  readonly cwd?: string;
  /** Name, URL or path of the remote that decides. Default: `HOLDFAST_REMOTE`, else git's
   * `holdfast.remote`, else `origin`. */
  readonly remote?: string;
  /** The agent that claims: an identity, not a process. Default: `HOLDFAST_AGENT`, else `user@host/worktree`. */
  readonly agent?: string;
  /**
   * Milliseconds for everything, the network included. Default {@link DEFAULT_NETWORK_TIMEOUT_MS}, and once more as long
   * where a push was sent and a slow remote has yet to answer what became of it.
   */
  readonly timeoutMs?: number;
  /**
   * Ends the call with HOLDFAST_CANCELED. A push that was under way is settled by the next call. Default: none.
   */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds that a claim must have stayed the same, as seen from this clone, to count as stale; the longer of
   * this and what its holder asked for. Also what new claims ask for. Default {@link DEFAULT_STALE_AFTER_MS}.
   */
  readonly staleAfterMs?: number;
  /** Milliseconds without progress after which a claim that is alive is marked as quiet. Default {@link DEFAULT_QUIET_AFTER_MS}. */
  readonly quietAfterMs?: number;
  /** Signatures of records. Default: git's configuration (`holdfast.signing`). */
  readonly signing?: SigningOptions;
  /** Environment of git. Default: this process's own. */
  readonly env?: NodeJS.ProcessEnv;
}

export const CLAIMS_OPTIONS = {
  cwd: TEXT,
  remote: TEXT,
  agent: TEXT,
  timeoutMs: NUMBER,
  signal: SIGNAL,
  staleAfterMs: NUMBER,
  quietAfterMs: NUMBER,
  signing: OBJECT,
  env: OBJECT,
} satisfies Record<keyof ClaimsOptions, OptionRule>;

/** A claim that is held, as the remote reported it. */
export interface Claim {
  /** As its claimer spelled it. */
  readonly id: string;
  /** Name of the agent that holds it. */
  readonly agent: string;
  /** Random identity of the claim. */
  readonly holderId: string;
  /** The fencing token: it rises with every claim and steal. */
  readonly generation: bigint;
  /** Wall clock of the claimer, ISO 8601, for display. */
  readonly sinceAt: string;
  /** When it was last renewed: wall clock, ISO 8601, for display. */
  readonly renewedAt: string;
  /** Host on which it was claimed. Absent where the record has none. */
  readonly host?: string;
  /** Branch on which the work happens. Absent where none was given. */
  readonly branch?: string;
  /** Reason that was given. Absent where none was. */
  readonly reason?: string;
  /** Revision from which the work starts. Absent where none was given. */
  readonly base?: string;
  /** The last note of its agent. */
  readonly note?: string;
  /** The first clock: when a process of its holder last renewed it. */
  readonly alive: ClaimClock;
  /** The second clock: when its agent last got somewhere. */
  readonly progress: ProgressClock;
  /** Alive, and without progress for `quietAfterMs`. A mark for people: only force takes such a claim. */
  readonly isQuiet: boolean;
  /** Milliseconds without progress that make it quiet, as the caller asked. */
  readonly quietAfterMs: number;
  /** Claimed by this agent in this clone. */
  readonly isMine: boolean;
  /** Claimed by an agent of the same name in another clone. */
  readonly isElsewhere: boolean;
  /**
   * Seen unchanged from this clone for as long as it takes. That the process of a `holdfast run` is dead is no proof:
   * its command may live on.
   */
  readonly isStale: boolean;
  /** Milliseconds for which this clone has seen this very state. */
  readonly unchangedMs: number;
  /** Milliseconds it must stay unchanged to be stale. */
  readonly staleAfterMs: number;
  /** Whether the record is signed. */
  readonly signature: SignatureState;
}

/**
 * One call about claims: whose it is, where it looks, and until when.
 *
 * @throws LockError HOLDFAST_CONFIG_MISMATCH without a usable remote, HOLDFAST_CANCELED after an abort.
 * @throws TypeError for a name that no agent can have; RangeError for durations out of range.
 */
export async function inSession<T>(options: ClaimsOptions, fn: (session: Session) => Promise<T>): Promise<T> {
  const { cwd = process.cwd(), env = process.env, timeoutMs = DEFAULT_NETWORK_TIMEOUT_MS } = options;
  const { staleAfterMs = DEFAULT_STALE_AFTER_MS, signal, agent, signing } = options;
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be positive, not ${timeoutMs}.`);
  const { quietAfterMs = DEFAULT_QUIET_AFTER_MS } = options;
  if (!(quietAfterMs >= 0)) throw new RangeError(`quietAfterMs must not be negative, not ${quietAfterMs}.`);
  if (!(staleAfterMs >= 0 && staleAfterMs <= Number.MAX_SAFE_INTEGER)) {
    throw new RangeError(`staleAfterMs must not be negative, not ${staleAfterMs}.`);
  }
  const remote = options.remote ?? env['HOLDFAST_REMOTE'];
  const host = gitHost(fileNamespace());
  const settleMs = options.timeoutMs === undefined ? DEFAULT_NETWORK_TIMEOUT_MS : 0;
  const deadline = deadlineIn(timeoutMs, host.clock, signal, settleMs);
  const arbiter = await Arbiter.open({ cwd, env, remote, agent, signing }, host);
  const run = (store: ClaimStore): Promise<T> =>
    fn(new Session(arbiter, store, host.clock, { staleAfterMs: Math.round(staleAfterMs), quietAfterMs }));
  try {
    return await arbiter.use(deadline, run);
  } catch (error) {
    if (signal?.aborted !== true || error !== signal.reason) throw error;
    throw new LockCanceledError(
      'Could not finish with the claims: the caller canceled. Run the same command again to learn what was published.',
      { resource: 'claims', cause: error },
    );
  }
}

/** Lives while the local lock of the clone is held. */
export class Session {
  readonly arbiter: Arbiter;
  readonly store: ClaimStore;
  readonly clock: Clock;
  readonly staleAfterMs: number;
  readonly quietAfterMs: number;

  constructor(
    arbiter: Arbiter,
    store: ClaimStore,
    clock: Clock,
    limits: { readonly staleAfterMs: number; readonly quietAfterMs: number },
  ) {
    this.arbiter = arbiter;
    this.store = store;
    this.clock = clock;
    this.staleAfterMs = limits.staleAfterMs;
    this.quietAfterMs = limits.quietAfterMs;
  }

  get agent(): string {
    return this.arbiter.agent;
  }

  /** Publishes; see {@link publish}. */
  publish(
    changes: readonly Change[],
    isAtomic = false,
    index?: IndexChange,
  ): Promise<ReadonlyMap<string, Outcome>> {
    return publish(this.store, changes, isAtomic, index);
  }

  /**
   * The state of some claims. undefined when the remote cannot be asked although earlier pushes of ours may stand: then
   * {@link pendingItem} describes each.
   *
   * @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when it cannot be asked and nothing was sent.
   */
  async look(ids: readonly string[], task: ClaimEvent | 'read'): Promise<Seen> {
    const look = await this.store.look(ids);
    if (look.kind === 'seen') return new Seen(look.tips, '');
    if (!ids.some((id) => this.isPending(id))) throw this.store.unreachable(task, ids, look.cause);
    return new Seen(undefined, look.cause);
  }

  /** @throws LockError HOLDFAST_BACKEND_UNAVAILABLE when the remote cannot be asked. */
  async lookAtAll(): Promise<readonly Tip[]> {
    const look = await this.store.look('all');
    if (look.kind === 'unreachable') throw this.store.unreachable('read', 'all', look.cause);
    return [...look.tips.values()].sort((a, b) => (idOf(a) < idOf(b) ? -1 : 1));
  }

  /** Whether a push about this claim had no answer yet. */
  isPending(id: string): boolean {
    return this.store.journal.pending(refOfClaim(id)) !== undefined;
  }

  /** @param pushed a later progress than the record has. */
  claimOf(tip: RecordedTip, pushed?: ProgressClock): Claim {
    const { record } = tip;
    const isMine = this.isOwn(tip);
    const staleAfterMs = Math.max(this.staleAfterMs, record.staleAfterMs);
    const unchangedMs = this.store.firstSeen.unchangedMs(tip.ref, tip.oid);
    const isStale = unchangedMs >= staleAfterMs;
    const { alive, progress: known } = clocksOf(record, unchangedMs, this.clock.wallNow());
    const progress = pushed !== undefined && pushed.agoMs < known.agoMs ? pushed : known;
    return {
      id: idOf(tip),
      agent: record.agent,
      holderId: record.holderId,
      generation: BigInt(record.generation),
      sinceAt: record.sinceAt,
      renewedAt: record.at,
      ...(record.host !== undefined && { host: record.host }),
      ...(record.branch !== undefined && { branch: record.branch }),
      ...(record.reason !== undefined && { reason: record.reason }),
      ...(record.base !== undefined && { base: record.base }),
      ...(record.note !== undefined && { note: record.note }),
      alive,
      progress,
      isQuiet: !isStale && progress.agoMs >= this.quietAfterMs,
      quietAfterMs: this.quietAfterMs,
      isMine,
      isElsewhere: !isMine && record.agent === this.agent,
      isStale,
      unchangedMs,
      staleAfterMs,
      signature: tip.signature,
    };
  }

  /** Of this agent, and its holder id is in this clone's journal. */
  isOwn(tip: RecordedTip): boolean {
    const { agent, holderId } = tip.record;
    return agent === this.agent && this.store.journal.held(tip.ref, holderId) !== undefined;
  }

  /** Holder ids of holds that this agent had in this clone and that are no longer the tip. */
  lostHolds(id: string, currentHolderId?: string): string[] {
    return this.store.journal
      .allHeld(refOfClaim(id))
      .filter(({ record }) => record.agent === this.agent && record.holderId !== currentHolderId)
      .map(({ record }) => record.holderId);
  }

  /** The agent learns now that these are over; from here on the claim plainly belongs to others. */
  endHolds(id: string, holderIds: readonly string[]): void {
    for (const holderId of holderIds) this.store.journal.ended(refOfClaim(id), holderId);
    this.store.save();
  }

  /** What this agent tried to make of a claim, when it is not known yet whether it has it. */
  comingClaim(id: string): ClaimRecord | undefined {
    return this.store.journal
      .pending(refOfClaim(id))
      ?.tries.map(({ record }) => record)
      .findLast((record) => record.agent === this.agent && isHeldEvent(record.event));
  }
}

/** @throws TypeError for ids that cannot name a claim. Repeated ids count once, however they are spelled. */
export function idList(ids: string | readonly string[]): readonly string[] {
  const list = typeof ids === 'string' ? [ids] : ids;
  if (list.length === 0) throw new TypeError('No claim was named.');
  for (const id of list) assertClaimId(id);
  const byRef = new Map<string, string>();
  for (const id of list) if (!byRef.has(refOfClaim(id))) byRef.set(refOfClaim(id), id);
  return [...byRef.values()];
}

/** @throws TypeError unless it is one line of at most 1000 characters. */
export function oneLine(name: string, text: string | undefined): string | undefined {
  if (text === undefined || (text !== '' && text.length <= 1_000 && !/[\u0000-\u001f\u007f]/.test(text)))
    return text;
  throw new TypeError(`${name} must be one line of text, at most 1000 characters.`);
}

export function brokenError(id: string, problem: string): LockError {
  return new LockError(`Could not judge "${id}": ${problem}. Look at it with: holdfast claims repair.`, {
    code: 'HOLDFAST_PROTOCOL',
    resource: id,
  });
}
