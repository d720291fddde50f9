import type { AcquireRequest, Attempt, Backend, HolderInfo } from '../../core/backend.js';
import { withoutCredentials } from '../../core/credentials.js';
import { LockError } from '../../core/errors.js';
import { decodeHolder } from '../../core/holder.js';
import { newHolderId } from '../../core/holder.js';
import { holderInfoOf, ownHolder } from '../../platform/holder-record.js';
import { ownIdentity } from '../../platform/identity.js';
import { Arbiter, type ArbiterHost } from './arbiter.js';
import { assertClaimId, isPathClaim, refOfClaim } from './claim-id.js';
import type { ClaimStore } from './claim-store.js';
import {
  DEFAULT_NETWORK_TIMEOUT_MS,
  DEFAULT_STALE_AFTER_MS,
  deadlineIn,
  GIT_CAPABILITIES,
  type Deadline,
} from './config.js';
import {
  claimedChange,
  forcedChange,
  NO_TIP,
  stolenChange,
  type Change,
  type FreeTip,
  type Taker,
} from './events.js';
import { unconfirmedError } from './failures.js';
import { ClaimHold } from './hold.js';
import type { Outcome } from './outcome.js';
import { publish } from './publish.js';
import { isHeldEvent, type RecordedProcess } from './record.js';
import { generationOf, type RecordedTip, type Tip } from './tip.js';

/** Asking costs a fetch, and claims are held for long. */
const RETRY_AFTER_MS = 2_000;
/** Others may have claimed and released since we last looked: then the free head commit is another one, and we start over. */
const MAX_ATTEMPTS = 5;

/**
 * Claims as locks: `git:REMOTE#ID`. Unlike a claim by an agent, the hold is this very request's: another process
 * of the same agent, in the same clone, contends with it. See PROTOCOL.md in this folder.
 */
export function createGitBackend(host: ArbiterHost): Backend {
  const { clock } = host;

  async function tryAcquire(request: AcquireRequest, signal?: AbortSignal): Promise<Attempt> {
    const { remote, id } = splitResource(request.resource);
    const arbiter = await Arbiter.open({ cwd: process.cwd(), remote }, host);
    const deadline = deadlineIn(DEFAULT_NETWORK_TIMEOUT_MS, clock, signal);
    const attempt = new ClaimAttempt(arbiter, host, request, id, deadline);
    return arbiter.use(deadline, (store) => attempt.run(store));
  }

  async function lookAt<T>(
    resource: string,
    fn: (store: ClaimStore, tip: Tip, arbiter: Arbiter) => T | Promise<T>,
  ): Promise<T> {
    const { remote, id } = splitResource(resource);
    const arbiter = await Arbiter.open({ cwd: process.cwd(), remote }, host);
    const deadline = deadlineIn(DEFAULT_NETWORK_TIMEOUT_MS, clock, undefined);
    return arbiter.use(deadline, async (store) => {
      const look = await store.look([id]);
      if (look.kind === 'unreachable') throw store.unreachable('read', [id], look.cause);
      return fn(store, look.tips.get(refOfClaim(id)) as Tip, arbiter);
    });
  }

  return {
    name: 'git',
    capabilities: GIT_CAPABILITIES,
    tryAcquire,
    async canonicalName(resource) {
      const { remote, id } = splitResource(resource);
      const arbiter = await Arbiter.open({ cwd: process.cwd(), remote }, host);
      return `${withoutCredentials(arbiter.remote.pushUrl)}#${id}`;
    },
    inspect: (resource) => lookAt(resource, (_, tip) => (tip.kind === 'held' ? [holderOf(tip)] : [])),
    forceRelease: (resource, holderId) =>
      lookAt(resource, async (store, tip, { agent }) => {
        if (tip.kind !== 'held' || tip.record.holderId !== holderId) return false;
        const by = { agent, holderId: newHolderId(), reason: 'force-released' };
        const change = forcedChange(tip.record.resource, tip, by, clock.wallNow());
        const outcome = (await publish(store, [change])).get(tip.ref);
        if (outcome?.kind === 'failed') throw outcome.error;
        if (outcome?.kind === 'unconfirmed') throw unconfirmedError(resource, store.url, outcome.cause);
        return outcome?.kind === 'landed';
      }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}

function splitResource(resource: string): { remote: string; id: string } {
  const hash = resource.indexOf('#');
  const id = resource.slice(hash + 1);
  assertClaimId(id);
  if (isPathClaim(id))
    throw new LockError(
      `Could not lock "${id}": a path contends with those that overlap, which a lock does not. Claim it: holdfast claim ${id}.`,
      { code: 'HOLDFAST_UNSUPPORTED', resource: id },
    );
  return { remote: resource.slice(0, hash), id };
}

/** One request for one claim. */
class ClaimAttempt {
  readonly #arbiter: Arbiter;
  readonly #host: ArbiterHost;
  readonly #request: AcquireRequest;
  readonly #id: string;
  readonly #deadline: Deadline;
  readonly #neverGranted = new Set<string>();
  #attempts = 0;

  constructor(arbiter: Arbiter, host: ArbiterHost, request: AcquireRequest, id: string, deadline: Deadline) {
    this.#arbiter = arbiter;
    this.#host = host;
    this.#request = request;
    this.#id = id;
    this.#deadline = deadline;
  }

  async run(store: ClaimStore): Promise<Attempt> {
    const ref = refOfClaim(this.#id);
    const landed = store.journal.allHeld(ref).filter(({ isLate }) => isLate === true);
    for (const { record } of [...(store.journal.pending(ref)?.tries ?? []), ...landed]) {
      // Of a request that ended without its answer, in this clone: no caller has it. A renewal's is not.
      if (record.process !== undefined && record.event !== 'renewed' && isHeldEvent(record.event)) {
        this.#neverGranted.add(record.holderId);
      }
    }
    if (!store.isHeardOf(ref)) return this.#claim(store, ref, NO_TIP);
    const look = await store.look([this.#id]);
    // Not contention, which would be retried in silence.
    if (look.kind === 'unreachable') throw store.unreachable('claimed', [this.#id], look.cause);
    return this.#judge(store, look.tips.get(ref) as Tip);
  }

  #judge(store: ClaimStore, tip: Tip): Attempt | Promise<Attempt> {
    if (tip.kind === 'broken') {
      throw new LockError(
        `Could not judge "${this.#id}": ${tip.problem}. Look at it with: holdfast claims repair.`,
        {
          code: 'HOLDFAST_PROTOCOL',
          resource: this.#id,
        },
      );
    }
    if (tip.kind !== 'held') {
      return this.#claim(store, tip.ref, { oid: tip.oid, generation: generationOf(tip) });
    }
    if (this.#neverGranted.has(tip.record.holderId)) {
      return this.#publish(store, stolenChange(this.#id, tip, this.#taker(), this.#host.clock.wallNow()));
    }
    return { kind: 'contended', holders: [holderOf(tip)], retryAfterMs: RETRY_AFTER_MS };
  }

  #claim(store: ClaimStore, ref: string, free: FreeTip): Promise<Attempt> {
    return this.#publish(
      store,
      claimedChange(this.#id, ref, free, this.#taker(), this.#host.clock.wallNow()),
    );
  }

  async #publish(store: ClaimStore, change: Change): Promise<Attempt> {
    const t0 = this.#host.timeline.now();
    this.#attempts++;
    let outcome: Outcome | undefined;
    try {
      outcome = (await publish(store, [change])).get(change.ref);
    } catch (error) {
      if (this.#deadline.signal?.aborted !== true) throw error;
      throw unconfirmedError(
        this.#id,
        store.url,
        `holder ${this.#request.holderId}: the wait ended during the push`,
      );
    }
    switch (outcome?.kind) {
      case 'landed': {
        const { attempted } = outcome;
        for (const holderId of this.#neverGranted) store.journal.ended(change.ref, holderId);
        store.journal.save();
        const { arbiter, clock, now } = {
          arbiter: this.#arbiter,
          clock: this.#host.clock,
          now: () => this.#host.timeline.now(),
        };
        return {
          kind: 'granted',
          grant: new ClaimHold({ arbiter, clock, now, ref: change.ref, attempted, t0, display: this.#id }),
        };
      }
      case 'moved':
        if (this.#attempts >= MAX_ATTEMPTS && outcome.tip.kind === 'free')
          return { kind: 'contended', retryAfterMs: 0 };
        return this.#judge(store, outcome.tip);
      case 'failed':
        throw outcome.error;
      default:
        throw unconfirmedError(
          this.#id,
          store.url,
          `holder ${this.#request.holderId}: ${outcome?.kind === 'unconfirmed' ? outcome.cause : 'no answer'}`,
        );
    }
  }

  #taker(): Taker {
    const { holderId, reason, recordCommand, leaseDurationMs, isLeaseChosen } = this.#request;
    return {
      agent: this.#arbiter.agent,
      holderId,
      // The library's default lease suits things that expire by themselves; each renewal here is a commit.
      staleAfterMs: isLeaseChosen === true ? leaseDurationMs : DEFAULT_STALE_AFTER_MS,
      reason,
      process: ownProcess(recordCommand === true),
    };
  }
}

function ownProcess(withCommand: boolean): RecordedProcess {
  const { pid, startTime, bootId, pidNamespace, timeNamespace } = ownIdentity();
  const { program, command } = ownHolder(withCommand);
  return {
    pid,
    ...(startTime !== undefined && { startTime }),
    ...(bootId !== undefined && { bootId }),
    ...(pidNamespace !== undefined && { pidNamespace }),
    ...(timeNamespace !== undefined && { timeNamespace }),
    ...(program !== undefined && { program }),
    ...(command !== undefined && { command }),
  };
}

function holderOf({ record }: RecordedTip): HolderInfo {
  const { agent, host, reason } = record;
  const holder = decodeHolder(record.process);
  return {
    state: 'holder',
    mode: 'exclusive',
    holderId: record.holderId,
    sinceAt: record.sinceAt,
    fencingToken: BigInt(record.generation),
    ...(holder === undefined ? { command: agent } : { ...holderInfoOf(holder), note: `agent ${agent}` }),
    ...(host !== undefined && { host }),
    ...(reason !== undefined && { reason }),
  };
}
